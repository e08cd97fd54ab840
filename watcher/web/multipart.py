"""A form with files (RFC 7578) to its fields: by its boundary, without a guess. Bounds on its size are the caller's.

Whoever sends it may be a stranger: no pattern looks at more than one line, and at none from more than one place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

PARTS = 50
_HEAD_BYTES = 4096
"""Of a part's headers; browsers send some hundred, most of them the file's name."""
_BOUNDARY = re.compile(r"""boundary=(?:"([^"]{1,70})"|([^\s;,"]{1,70}))""", re.IGNORECASE)
_TOLD = b"content-disposition:"
_NAME = re.compile(rb"""content-disposition:[ \t]*form-data;(?:.*;)?[ \t]*name="([^"]{0,200})\"""", re.IGNORECASE)
_FILE = re.compile(rb"""content-disposition:.*;[ \t]*filename\*?=""", re.IGNORECASE)


def parse(body: bytes, content_type: str) -> tuple[dict[str, tuple[str, ...]], dict[str, bytes]]:
    """The fields by name, and the files' bytes by the name of their field. What is malformed is left out.

    An empty file field, as browsers send it when no file was chosen, is no file. Raises ValueError beyond `PARTS`.
    """
    fields: dict[str, tuple[str, ...]] = {}
    files: dict[str, bytes] = {}
    for head, content in _parts(body, content_type):
        line = _disposition(head)
        named = _NAME.match(line)
        if named is None:
            continue
        name = named[1].decode("utf-8", "replace")
        if not _FILE.match(line):
            fields[name] = (*fields.get(name, ()), content.decode("utf-8", "replace"))
        elif content:
            files[name] = content
    return fields, files


def _parts(body: bytes, content_type: str) -> Iterator[tuple[bytes, bytes]]:
    found = _BOUNDARY.search(content_type)
    if found is None:
        return
    mark = b"\r\n--" + (found[1] or found[2]).encode("latin-1", "replace")
    pieces = (b"\r\n" + body).split(mark, PARTS + 2)
    if len(pieces) > PARTS + 2:
        raise ValueError(f"more than {PARTS} parts")
    for piece in pieces[1:]:
        if piece.startswith(b"--"):
            return
        head, blank, content = piece.partition(b"\r\n\r\n")
        if blank:
            yield head, content


def _disposition(head: bytes) -> bytes:
    """The line of a part's headers that names its field; nothing where none does, or the headers are too long."""
    lines = head.split(b"\r\n") if len(head) <= _HEAD_BYTES else ()
    return next((line for line in lines if line[: len(_TOLD)].lower() == _TOLD), b"")
