"""Read one YAML 1.2 document into plain values that remember where they stand, and refuse whatever could surprise.

`no`, `on`, `12:30` and `1_000` are strings here. What a key means is left to the module that asked for the file.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NoReturn

import yaml

from watcher.errors import Mistake, Mistakes

MAX_BYTES = 256 * 1024
MAX_DEPTH = 20
MAX_DIGITS = 18

KeyPath = tuple[str | int, ...]
Position = tuple[int, int]

_Loader: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)

_NULL = re.compile(r"(?:null|Null|NULL|~|)\Z")
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_NOT_FINITE = re.compile(r"(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z")

_ADVICE = (
    ("mapping values are not allowed", "quote a value that holds ': ', or check the indentation"),
    ("could not find expected ':'", "write 'key: value' with a space after the colon"),
    ("did not find expected key", "check the indentation and the quotes above this line"),
    ("did not find expected '-' indicator", "give every element of the list the same indentation"),
    ("expected <block end>", "check the indentation and the quotes above this line"),
    ("cannot start any token", "quote a value that begins with @, ` or %"),
    ("while scanning a quoted scalar", "close the quotation mark"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One file as plain values (dict, list, str, int, float, bool, None) with the place of every key and element."""

    path_name: str
    value: Any
    places: dict[KeyPath, Position] = field(default_factory=dict, repr=False)

    def line(self, path: KeyPath = ()) -> Position:
        """Line and column, from 1, of the key or element at `path`; of its nearest known ancestor if it is absent."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, (1, 1))

    def mistake(self, path: KeyPath, message: str, instead: str = "") -> Mistake:
        """A mistake that points at `path`."""
        line, column = self.line(path)
        return Mistake(path=self.path_name, line=line, column=column, message=message, instead=instead)


@dataclass(slots=True)
class _Frame:
    """A list or mapping that is still open."""

    value: dict[str, Any] | list[Any]
    path: KeyPath
    key: str | None = None
    """The key that waits for its value; unset between pairs."""
    waiting: bool = False


class _Stop(Exception):
    """Nothing sensible can be read after this point."""


class _Reader:
    def __init__(self, path_name: str) -> None:
        self.path_name = path_name
        self.mistakes: list[Mistake] = []
        self.places: dict[KeyPath, Position] = {}
        self.stack: list[_Frame] = []
        self.root: Any = None
        self.documents = 0
        self.spare = 0

    def refuse(self, mark: Any, message: str, instead: str = "") -> None:
        line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
        self.mistakes.append(Mistake(path=self.path_name, line=line, column=column, message=message, instead=instead))

    def stop(self, mark: Any, message: str, instead: str = "") -> NoReturn:
        self.refuse(mark, message, instead)
        raise _Stop

    def take(self, event: Any) -> None:
        if isinstance(event, yaml.DocumentStartEvent):
            self._start_document(event)
        elif isinstance(event, yaml.AliasEvent):
            self.refuse(event.start_mark, f"alias *{event.anchor} is not allowed", "write the value out")
            self._place_value(None, event.start_mark)
        elif isinstance(event, yaml.ScalarEvent):
            self._scalar(event)
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            self._open(event)
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self.stack.pop()

    def _start_document(self, event: Any) -> None:
        self.documents += 1
        if event.tags:
            self.refuse(event.start_mark, "%TAG is not allowed", "delete the line")
        if self.documents > 1:
            self.stop(event.start_mark, "a second document begins here", "one document per file: delete the '---'")

    def _open(self, event: Any) -> None:
        self._refuse_decorations(event)
        if len(self.stack) >= MAX_DEPTH:
            self.stop(event.start_mark, f"nested more than {MAX_DEPTH} levels deep", "flatten it")
        if self._wants_key():
            self.refuse(event.start_mark, "a key must be a word, not a list or a mapping", "quote it if it is text")
            self._take_key(self._spare_key(), event.start_mark)
        self._nest({} if isinstance(event, yaml.MappingStartEvent) else [], event.start_mark)

    def _nest(self, value: Any, mark: Any) -> None:
        path = self._place_value(value, mark)
        self.stack.append(_Frame(value=value, path=path))

    def _scalar(self, event: Any) -> None:
        self._refuse_decorations(event)
        plain = event.style is None or event.style == ""
        value = self._resolve(event) if plain else event.value
        if not self._wants_key():
            self._place_value(value, event.start_mark)
            return
        if plain and event.value == "<<":
            self.refuse(event.start_mark, "merge key << is not allowed", "write the keys out")
        elif not isinstance(value, str):
            self.refuse(event.start_mark, f"key {event.value or 'null'} is not a string", f'write "{event.value}":')
        self._take_key(str(event.value), event.start_mark)

    def _wants_key(self) -> bool:
        return bool(self.stack) and isinstance(self.stack[-1].value, dict) and not self.stack[-1].waiting

    def _take_key(self, key: str, mark: Any) -> None:
        frame = self.stack[-1]
        path = (*frame.path, key)
        if key in frame.value:
            first = self.places[path][0]
            self.refuse(mark, f"key {key!r} is written twice (first on line {first})", "keep one of them")
            key = self._spare_key()
            path = (*frame.path, key)
        self.places[path] = (mark.line + 1, mark.column + 1)
        frame.key, frame.waiting = key, True

    def _spare_key(self) -> str:
        """A key for a pair that was refused, so that reading can go on; it never leaves this module."""
        self.spare += 1
        return f"\0{self.spare}"

    def _place_value(self, value: Any, mark: Any) -> KeyPath:
        if not self.stack:
            self.root = value
            self.places[()] = (mark.line + 1, mark.column + 1)
            return ()
        frame = self.stack[-1]
        if isinstance(frame.value, list):
            frame.value.append(value)
            path: KeyPath = (*frame.path, len(frame.value) - 1)
            self.places[path] = (mark.line + 1, mark.column + 1)
            return path
        if not frame.waiting:  # an alias where a key belongs
            self._take_key(self._spare_key(), mark)
            return (*frame.path, "")
        key = frame.key or ""
        frame.value[key] = value
        frame.key, frame.waiting = None, False
        return (*frame.path, key)

    def _refuse_decorations(self, event: Any) -> None:
        if event.anchor is not None:
            self.refuse(event.start_mark, f"anchor &{event.anchor} is not allowed", "write the value out where needed")
        if event.tag is not None:
            self.refuse(event.start_mark, f"tag {event.tag} is not allowed", "delete it, or quote the text")

    def _resolve(self, event: Any) -> Any:
        """A plain scalar by the core schema of YAML 1.2 (chapter 10.3.2)."""
        text = event.value
        if _NULL.match(text):
            return None
        if text in _BOOL:
            return _BOOL[text]
        if _INT.match(text):
            return self._integer(event)
        if _FLOAT.match(text):
            return self._float(event)
        if _NOT_FINITE.match(text):
            self.refuse(event.start_mark, f"{text} is not a number that can be used", "quote it if it is text")
            return 0.0
        return text

    def _integer(self, event: Any) -> int:
        text = event.value
        if len(text.lstrip("+-")) > MAX_DIGITS:
            self.refuse(
                event.start_mark, f"a number of more than {MAX_DIGITS} digits", "quote it if it is an identifier"
            )
            return 0
        base = {"0o": 8, "0x": 16}.get(text[:2], 10)
        return int(text[2:], base) if base != 10 else int(text)

    def _float(self, event: Any) -> float:
        value = float(event.value)
        if not math.isfinite(value):
            self.refuse(event.start_mark, f"{event.value[:40]} is too large a number", "quote it if it is text")
            return 0.0
        return value


def load(path_name: str, text: str) -> Document:
    """Read `text`, the content of the file called `path_name`.

    Raises `Mistakes` with everything found: duplicate keys, anchors, aliases, tags, merge keys, keys that are not
    strings, a second document, more than 256 KiB, more than 20 levels, numbers of more than 18 digits, broken syntax.
    """
    reader = _Reader(path_name)
    text = text.removeprefix("\ufeff")
    try:
        size = len(text.encode("utf-8"))
    except UnicodeEncodeError as error:
        line = text.count("\n", 0, error.start) + 1
        raise Mistakes([_whole(path_name, line, "half of a surrogate pair, no character", "save as UTF-8")]) from None
    if size > MAX_BYTES:
        raise Mistakes([_whole(path_name, 0, f"{size} bytes are more than {MAX_BYTES}", "split the file")])
    try:
        for event in _events(text):
            reader.take(event)
    except _Stop:
        pass
    except yaml.reader.ReaderError as error:
        reader.mistakes.append(_unreadable(path_name, text, error))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reader.refuse(mark, *_explained(error, _line_of(text, mark)))
    if reader.mistakes:
        raise Mistakes(reader.mistakes)
    return Document(path_name=path_name, value=reader.root, places=reader.places)


def _events(text: str) -> Iterator[Any]:
    loader = _Loader(text)
    try:
        while loader.check_event():
            yield loader.get_event()
    finally:
        loader.dispose()


def _whole(path_name: str, line: int, message: str, instead: str) -> Mistake:
    return Mistake(path=path_name, line=line, column=1 if line else 0, message=message, instead=instead)


def _unreadable(path_name: str, text: str, error: yaml.reader.ReaderError) -> Mistake:
    code = error.character if isinstance(error.character, int) else ord(str(error.character)[:1] or "\0")
    at = max(text.find(chr(code)), 0)
    line = text.count("\n", 0, at) + 1
    return _whole(path_name, line, f"character U+{code:04X} is not allowed", "delete it or write it as an escape")


def _line_of(text: str, mark: Any) -> str:
    lines = text.split("\n")
    return lines[mark.line] if mark is not None and mark.line < len(lines) else ""


def _explained(error: yaml.MarkedYAMLError, line: str) -> tuple[str, str]:
    message = " ".join(part for part in (error.context, error.problem) if part)
    if line[: len(line) - len(line.lstrip())].count("\t"):
        return message, "indent with spaces, never with a tab"
    return message, next((advice for sign, advice in _ADVICE if sign in message), "")
