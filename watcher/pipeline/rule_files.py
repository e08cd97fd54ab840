"""Rule files as the console opens and writes them: only where a setting allows it, checked first, and never blindly."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from watcher.errors import CannotHelp, Mistake, Mistakes
from watcher.match.language import rule_files
from watcher.pipeline.workbench import Draft
from watcher.runtime import Runtime
from watcher.strict_yaml import MAX_BYTES

_NAME = re.compile(r"[a-z][a-z0-9-]{0,79}\.ya?ml")
_LINT_S = 40.0
BEFORE = "rules-before"
"""Folder in the data folder where the text that a file had before is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFile:
    """A rule file as it is now."""

    name: str
    text: str
    digest: str
    """SHA-256 of its bytes in hex: a form that holds another one was made of another text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What writing a rule file came to."""

    path: Path
    digest: str
    before: Path | None
    """Where its former text is kept; None for a new file."""


def opened(rt: Runtime, rule_id: str) -> RuleFile | None:
    """The file of a running rule, as it is on disk now; None without such a rule. Raises CannotHelp."""
    rule = rt.rules.engine().rule_set.rule(rule_id)
    if rule is None:
        return None
    path = rt.rules.folder / Path(rule.path).name
    try:
        data = path.read_bytes()
        text = data.decode("utf-8")
    except OSError as error:
        raise CannotHelp(f"{path.name} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CannotHelp(f"{path.name} is not UTF-8 (byte {error.start})") from error
    if len(data) > MAX_BYTES:
        raise CannotHelp(f"{path.name} has more than {MAX_BYTES} bytes")
    return RuleFile(name=path.name, text=text, digest=digest(text))


def digest(text: str) -> str:
    """SHA-256 in hex of a text as a file holds it."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def check(rt: Runtime, draft: Draft, *, was: str) -> None:
    """See whether a draft may be put into the rules folder, which takes some seconds; `was`: as for `put`.

    Raises Mistakes for what is wrong with the folder as it would be, examples included; CannotHelp as `put` does.
    """
    _allowed(rt, draft, was)
    paths = rule_files(rt.rules.folder)
    files = {path.relative_to(rt.rules.folder).as_posix(): path.read_text("utf-8", "replace") for path in paths}
    payload = {"files": files | {draft.name: draft.text}, "name": draft.name}
    found: Any = rt.trial.call("watcher.match.draft:lint", payload, _LINT_S)
    if found:
        told = ("path", "line", "message", "instead")
        raise Mistakes([Mistake(**{key: one[key] for key in told}) for one in found])


def put(rt: Runtime, draft: Draft, *, was: str) -> Written:
    """Put a draft that was checked into the rules folder; `was` is the digest of the text that it began with, empty
    for a new file.

    Raises CannotHelp where nothing may be written or the file is another one by now.
    """
    _allowed(rt, draft, was)
    path = rt.rules.folder / draft.name
    try:
        before = _keep(rt, path) if was else None
        _replace(path, draft.text)
    except OSError as error:
        raise CannotHelp(f"{draft.name} cannot be written: {error.strerror}") from error
    return Written(path=path, digest=digest(draft.text), before=before)


def write(rt: Runtime, draft: Draft, *, was: str) -> Written:
    """`check`, then `put`."""
    check(rt, draft, was=was)
    return put(rt, draft, was=was)


def _allowed(rt: Runtime, draft: Draft, was: str) -> None:
    if not rt.settings.rules_writable:
        raise CannotHelp("WATCHER_RULES_WRITABLE is off: download the file, and put it where the rules are kept")
    if not _NAME.fullmatch(draft.name):
        raise CannotHelp(f"{draft.name!r} is no name of a rule file")
    _unchanged(rt.rules.folder / draft.name, was)


def _unchanged(path: Path, was: str) -> None:
    if path.is_symlink():
        raise CannotHelp(f"{path.name} is a link: change the file that it leads to")
    try:
        now = hashlib.sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError:
        now = ""
    if now != was:
        what = "was made" if not was else "was changed" if now else "was removed"
        raise CannotHelp(f"{path.name} {what} by somebody else meanwhile: open it again and bring both together")


def _keep(rt: Runtime, path: Path) -> Path:
    folder = rt.settings.data_dir / BEFORE
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / f"{path.name}.{rt.clock():%Y%m%dT%H%M%S%f}.bak"
    kept.write_bytes(path.read_bytes())
    return kept


def _replace(path: Path, text: str) -> None:
    """All of it or nothing: whoever looks sees the old file or the new one."""
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(text.encode("utf-8"))
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).chmod(mode)
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(name).unlink()
        raise
