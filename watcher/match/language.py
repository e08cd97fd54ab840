"""Loads a folder of rules: `*.yml` rules, `lists/*.yml` word lists, `models/*.tsv` learned models, `exceptions/*.yml`.

All or nothing: a folder with any mistake gives all its mistakes and no rules, so that a bad file never replaces good
rules that run.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from watcher import strict_yaml
from watcher.errors import Mistake, Mistakes
from watcher.match.clauses import Shared
from watcher.match.learned import LearnedModel, ModelError, Named, read_model
from watcher.match.nodes import Node
from watcher.match.phrase import Lists, Phrase, PhraseError, read_phrase
from watcher.match.reading import read_exceptions, read_rule
from watcher.match.rule import Rule, RuleException, RuleSet

MAX_FILES = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """The rules of a folder, with what a further rule file in it may refer to."""

    rule_set: RuleSet
    shared: Shared
    exceptions: Mapping[str, Sequence[RuleException]]


_READS = 5
"""How often a folder is read anew that changes while it is read: its version must be that of what was read."""


def load_rules(rules_dir: Path, *, learned: bool = True) -> RuleSet:
    """Read all rule files below `rules_dir`; raises Mistakes with everything that is wrong in any of them.

    Without `learned` model files are not read and every model weighs nothing: for learning them.
    """
    return load_folder(rules_dir, learned=learned).rule_set


def load_folder(rules_dir: Path, *, learned: bool = True) -> Folder:
    """As `load_rules`, for those who go on to read a draft of one of its files."""
    folder = _read_folder(rules_dir, learned)
    for _ in range(_READS):
        if _version(_files(rules_dir, []), rules_dir) == folder.rule_set.version:
            break
        folder = _read_folder(rules_dir, learned)  # somebody wrote while we read
    return folder


def _read_folder(rules_dir: Path, learned: bool) -> Folder:
    mistakes: list[Mistake] = []
    files = _files(rules_dir, mistakes)
    version = _version(files, rules_dir)
    lists = _lists(_in(files, rules_dir, "lists"), rules_dir, mistakes)
    paths = _in(files, rules_dir, "models")
    shared = Shared(lists, _models(paths, rules_dir, lists, mistakes) if learned else _Unlearned())
    rules: list[Rule] = []
    for path in _in(files, rules_dir, ""):
        node = _open(path, rules_dir, mistakes)
        rule = read_rule(node, shared) if node else None
        if node and rule:
            _refuse_repeated(node, rule, rules)
            rules.append(rule)
    exceptions = _exceptions(
        _in(files, rules_dir, "exceptions"), rules_dir, shared, {rule.id for rule in rules}, mistakes
    )
    if not rules and not mistakes:
        mistakes.append(Mistake(path=str(rules_dir), line=0, message="no rule files here", instead="add a *.yml file"))
    if mistakes:
        raise Mistakes(mistakes)
    rules = [replace(rule, exceptions=tuple(exceptions.get(rule.id, ()))) for rule in rules]
    rules.sort(key=lambda rule: rule.id)
    rule_set = RuleSet(rules=tuple(rules), version=version, lists=plain_lists(lists))
    return Folder(rule_set=rule_set, shared=shared, exceptions=exceptions)


def load_draft(folder: Folder, name: str, text: str) -> RuleSet:
    """The rules of a folder with the file `name`, new or not, holding `text`; raises Mistakes with all that is wrong.

    It costs as much as one file: what the others say is known.
    """
    mistakes: list[Mistake] = []
    node = Node(strict_yaml.load(name, text), mistakes)
    others = [rule for rule in folder.rule_set.rules if Path(rule.path).name != name]
    rule = read_rule(node, folder.shared)
    if rule is not None:
        _refuse_repeated(node, rule, others)
    if mistakes or rule is None:
        raise Mistakes(mistakes)
    drafted = replace(rule, exceptions=tuple(folder.exceptions.get(rule.id, ())))
    version = hashlib.sha256(f"{folder.rule_set.version}\0{name}\0{text}".encode()).hexdigest()
    rules = tuple(sorted([*others, drafted], key=lambda one: one.id))
    return RuleSet(rules=rules, version=version, lists=folder.rule_set.lists)


def load_files(files: Mapping[str, str]) -> Folder:
    """As `load_folder`, of rule files given as texts by their names, by which mistakes name them too."""
    with tempfile.TemporaryDirectory(prefix="watcher-rules-") as written:
        for name, text in files.items():
            path = Path(written) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode("utf-8", "surrogatepass"))
        try:
            return load_folder(Path(written))
        except Mistakes as caught:
            raise Mistakes(
                [replace(one, path=one.path.removeprefix(f"{written}/")) for one in caught.mistakes]
            ) from None


def rules_version(rules_dir: Path) -> str:
    """The version that `load_rules` would give, from the files' names and bytes alone."""
    return _version(rule_files(rules_dir), rules_dir)


def rule_files(rules_dir: Path) -> list[Path]:
    """Every file below a folder that its rules are made of: rules, word lists, exceptions, models."""
    return _files(rules_dir, [])


def _files(rules_dir: Path, mistakes: list[Mistake]) -> list[Path]:
    if not rules_dir.is_dir():
        mistakes.append(Mistake(path=str(rules_dir), line=0, message="no such folder", instead="name the rules folder"))
        return []
    names = ("", "lists", "exceptions")
    files = [path for name in names for pattern in ("*.yml", "*.yaml") for path in (rules_dir / name).glob(pattern)]
    files += (rules_dir / "models").glob("*.tsv")
    if len(files) > MAX_FILES:
        mistakes.append(Mistake(path=str(rules_dir), line=0, message=f"more than {MAX_FILES} files"))
    return sorted(path for path in files if path.is_file())[:MAX_FILES]


def _in(files: Iterable[Path], rules_dir: Path, folder: str) -> list[Path]:
    return [path for path in files if path.parent == (rules_dir / folder if folder else rules_dir)]


def _version(files: Iterable[Path], rules_dir: Path) -> str:
    digest = hashlib.sha256()
    for path in files:
        digest.update(str(path.relative_to(rules_dir)).encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _open(path: Path, rules_dir: Path, mistakes: list[Mistake]) -> Node | None:
    name = str(rules_dir.joinpath(path.relative_to(rules_dir)))
    try:
        text = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        mistakes.append(
            Mistake(path=name, line=0, message=f"not UTF-8 (byte {error.start})", instead="save it as UTF-8")
        )
        return None
    except OSError as error:
        mistakes.append(Mistake(path=name, line=0, message=f"cannot be read: {error.strerror}"))
        return None
    try:
        return Node(strict_yaml.load(name, text), mistakes)
    except Mistakes as caught:
        mistakes.extend(caught.mistakes)
        return None


def _lists(paths: Iterable[Path], rules_dir: Path, mistakes: list[Mistake]) -> Lists:
    lists: dict[str, tuple[Phrase, ...]] = {}
    for path in paths:
        node = _open(path, rules_dir, mistakes)
        lists[path.stem] = ()
        if node and node.mapping(("description", "words"), required=("words",)) and node.has("words"):
            words = node.child("words")
            lists[path.stem] = _list_phrases(words)
            lists |= {f"{path.stem}.{name}": tuple(_group_phrases(child)) for name, child in words.items()}
    return lists


def _models(paths: Iterable[Path], rules_dir: Path, lists: Lists, mistakes: list[Mistake]) -> dict[str, LearnedModel]:
    named = plain_lists(lists)
    models: dict[str, LearnedModel] = {}
    for path in paths:
        name = str(rules_dir.joinpath(path.relative_to(rules_dir)))
        try:
            models[path.stem] = read_model(path.stem, path.read_bytes().decode("utf-8", "replace"), named)
        except ModelError as error:
            instead = f"learn it anew: watcher rules learn {path.stem}"
            mistakes.append(Mistake(path=name, line=error.line, message=str(error), instead=instead))
        except OSError as error:
            mistakes.append(Mistake(path=name, line=0, message=f"cannot be read: {error.strerror}"))
    return models


class _Unlearned(dict[str, LearnedModel]):
    """A model of every name, none of which knows anything."""

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> LearnedModel:
        return LearnedModel(name, 0.0, {}, ())


def plain_lists(lists: Lists) -> Named:
    """The word lists without their groups, by name."""
    return tuple(sorted((name, phrases) for name, phrases in lists.items() if "." not in name))


def _list_phrases(node: Node) -> tuple[Phrase, ...]:
    """The phrases of a list, which may be grouped by language: `words: {en: [...], zh: [...]}`."""
    groups = [child for _, child in node.items()] if isinstance(node.value, dict) else [node]
    found = {phrase.source: phrase for group in groups for phrase in _group_phrases(group)}
    empty = [group for group in groups if not group.elements()]
    if len(empty) == len(groups):
        node.wrong("an empty word list", "add words or delete the file")
    for group in empty if len(empty) < len(groups) else ():
        group.wrong("an empty group of words, which can never match", "add words or delete the line")
    return tuple(found.values())


def _group_phrases(node: Node) -> list[Phrase]:
    found: dict[str, Phrase] = {}
    for child in node.elements():
        text = child.text()
        try:
            phrase = read_phrase(text) if text else None
        except PhraseError as error:
            child.wrong(str(error))
            continue
        if phrase is None:
            continue
        if phrase.slots:
            child.wrong("a word list holds no <slots>", "write them in the rule")
        elif text in found:
            child.wrong(f"{text!r} stands twice in this list", "keep one of them")
        else:
            found[text] = phrase
    return list(found.values())


def _refuse_repeated(node: Node, rule: Rule, rules: list[Rule]) -> None:
    other = next((other for other in rules if other.id == rule.id), None)
    if other and rule.id:
        node.child("id").wrong(f"id {rule.id!r} is taken by {other.path}", "choose another id")


def _exceptions(
    paths: Iterable[Path], rules_dir: Path, shared: Shared, known: set[str], mistakes: list[Mistake]
) -> dict[str, list[RuleException]]:
    found: dict[str, list[RuleException]] = {}
    for path in paths:
        node = _open(path, rules_dir, mistakes)
        for rule_id, exception in read_exceptions(node, shared) if node else ():
            if rule_id not in known:
                mistakes.append(
                    Mistake(
                        path=exception.path,
                        line=exception.line,
                        message=f"exception to {rule_id!r}, which is no rule here",
                        instead=f"one of: {', '.join(sorted(known)) or 'none'}",
                    )
                )
            found.setdefault(rule_id, []).append(exception)
    return found
