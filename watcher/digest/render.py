"""A digest's words through templates: subject, text and an HTML mail body of a bounded size; what they say is `words`'.

Templates run in Jinja's immutable sandbox, without the filters and operators that undo escaping or ask for gigabytes.
Those of one's own go before the shipped ones. `render_json` is the form that the killable child runs: it is the only
border that holds a template which loops.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib import resources
from typing import Any

from jinja2 import FunctionLoader, StrictUndefined
from jinja2.exceptions import SecurityError, TemplateError, TemplateSyntaxError
from jinja2.runtime import LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment

from watcher import wire, wording
from watcher.digest.words import context, shown
from watcher.errors import Mistake
from watcher.model import JSON, DigestView, Language, Rendered

HTML_LIMIT_BYTES = 80_000
"""Gmail clips a message at about 102 KB of its encoded size; the rest is left for headers and encoding."""
OUTPUT_LIMIT = 1_000_000
"""Characters that a template may write."""
SUBJECT, TEXT, HTML = "subject.txt.j2", "digest.txt.j2", "digest.html.j2"
NAMES = (SUBJECT, TEXT, HTML)
_TEXT_WIDTH = 76
_REMOVED_FILTERS = ("safe", "center", "replace", "indent", "format", "xmlattr", "pprint")
"""Those that undo escaping or let a template ask for gigabytes."""
_BROKEN = (
    TemplateError,
    TypeError,
    ValueError,
    ArithmeticError,
    LookupError,
    AttributeError,
    MemoryError,
    RecursionError,
)
"""What a template can raise: its own errors, and those of what it does with words."""

_LOOP = frozenset({"first", "last", "index", "index0", "length"})

Templates = Mapping[str, str]
"""Templates of one's own: text by name, of `NAMES` or whatever those include."""


class _Environment(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset({"*", "**", "%"})

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:  # noqa: ARG002 (Jinja's signature)
        raise SecurityError(f"a template may not compute with {operator}")

    def getattr(self, obj: Any, attribute: str) -> Any:
        """A key of a dict goes before its methods, and is found without the cost of an exception; so are a loop's."""
        kind = type(obj)
        if kind is dict and attribute in obj:
            return obj[attribute]
        if kind is LoopContext and attribute in _LOOP:
            return getattr(obj, attribute)
        return super().getattr(obj, attribute)


def wrap(text: str, margin: int = 0) -> str:
    """`text` in lines of at most 76 columns behind `margin` spaces; addresses and unspaced scripts are never broken."""
    edge = " " * margin
    room = _TEXT_WIDTH - margin
    if len(text) <= room:
        return f"{edge}{text}"
    lines, line, length = [], [""], -1
    for word in text.split():
        length += len(word) + 1
        if length > room and len(line) > 1:
            lines.append(" ".join(line[1:]))
            line, length = [""], len(word)
        line.append(word)
    lines.append(" ".join(line[1:]))
    return "\n".join(f"{edge}{one}" for one in lines)


@lru_cache(maxsize=8)
def _environment(own: tuple[tuple[str, str], ...] = ()) -> _Environment:
    known = dict(own)
    env = _Environment(
        loader=FunctionLoader(lambda name: _source(name, known)),
        autoescape=lambda name: name is not None and ".html" in name,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name in _REMOVED_FILTERS:
        del env.filters[name]
    env.filters["wrap"] = wrap
    return env


def _source(name: str, own: Mapping[str, str]) -> tuple[str, str, Callable[[], bool]] | None:
    """The text and the file's name for messages; one's own may take the shipped one as `shipped/NAME`."""
    text = own.get(name)
    if text is None:
        shipped = resources.files("watcher.digest") / "templates" / name.removeprefix("shipped/")
        if name.removeprefix("shipped/") not in NAMES or not shipped.is_file():
            return None
        text = shipped.read_text("utf-8")
    return text, name, lambda: True


def _written(name: str, own: Templates, values: Mapping[str, Any]) -> str:
    """What the template writes. Raises TemplateError as soon as that is more than `OUTPUT_LIMIT` characters."""
    template = _environment(tuple(sorted(own.items()))).get_template(name)
    if not own:
        return template.render(values)
    pieces, size = [], 0
    for piece in template.generate(values):
        size += len(piece)
        if size > OUTPUT_LIMIT:
            raise TemplateError(f"writes more than {OUTPUT_LIMIT:,} characters")
        pieces.append(piece)
    return "".join(pieces)


# ── a digest ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def render(view: DigestView, *, own: Templates | None = None, limit_bytes: int = HTML_LIMIT_BYTES) -> Rendered:
    """Subject on one line, text, and HTML of at most `limit_bytes` UTF-8 bytes.

    Alerts that do not fit are named by their titles, and counted, in both bodies. Raises jinja2.TemplateError.
    """
    return fill(context(view, limit_bytes), view.language, own=own or {}, limit_bytes=limit_bytes)


def fill(whole: dict[str, Any], language: Language, *, own: Templates, limit_bytes: int = HTML_LIMIT_BYTES) -> Rendered:
    """As `render`, from the words of `words.context`."""
    fits = sum(1 for entry in whole["entries"] if entry["whole"])
    while True:
        values = shown(whole, fits, language)
        html = _written(HTML, own, values).strip()
        size = len(html.encode())
        if size <= limit_bytes or fits == 0:
            break
        fits = min(fits - 1, fits * limit_bytes // size)
    text = _written(TEXT, own, values).strip() + "\n"
    return Rendered(subject=_subject(values, own), text=text, html=html)


def _subject(values: dict[str, Any], own: Templates) -> str:
    """That of one's own template where it says anything, else ours."""
    told = wording.one_line(_written(SUBJECT, own, values), 200) if SUBJECT in own else ""
    return told or str(values["subject"])


# ── in the child ─────────────────────────────────────────────────────────────────────────────────────────────────────


def payload(view: DigestView, own: Templates | None = None) -> JSON:
    """What `render_json` takes."""
    return {"whole": context(view, HTML_LIMIT_BYTES), "language": view.language.value, "own": dict(own or {})}


def render_json(asked: JSON) -> JSON:
    """For the sandbox: the wire form of `Rendered`, or `{"mistake": …}` when a template of one's own is wrong."""
    language = Language(asked["language"])
    try:
        return wire.dump(fill(asked["whole"], language, own=asked["own"]))
    except _BROKEN as error:
        if not asked["own"]:
            raise
        return {"mistake": wire.dump(mistake_of(error))}


def try_json(asked: JSON) -> JSON:
    """For the sandbox: the wire form of what is wrong with one template on sample digests, None when nothing is."""
    for sample in asked["samples"]:
        whole = sample["whole"]
        values = shown(whole, len(whole["entries"]), Language(sample["language"]))
        try:
            _written(asked["name"], asked["own"], values)
        except _BROKEN as error:
            return wire.dump(mistake_of(error))
    return None


def mistake_of(error: BaseException) -> Mistake:
    """What was wrong in which template at which line, for the person who wrote it."""
    words = wording.one_line(f"{type(error).__name__}: {error}", 300)
    if isinstance(error, TemplateSyntaxError):
        return Mistake(path=error.name or error.filename or "", line=error.lineno, message=words)
    frames = [one for one in traceback.extract_tb(error.__traceback__) if one.filename.endswith(".j2")]
    if not frames:
        return Mistake(path="", line=0, message=words)
    return Mistake(path=frames[-1].filename, line=frames[-1].lineno or 0, message=words)
