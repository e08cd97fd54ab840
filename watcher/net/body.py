"""A response's body, bounded raw and decoded; what the bytes mean is left to others.

Only one layer of gzip is taken: nothing else is offered in Accept-Encoding, and bombs are built of stacked layers.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable

from watcher.net.faults import BadAnswer, Unreachable

_GZIP = 16 + zlib.MAX_WBITS
_MEMBERS = 100
_RATIO = 100
_RATIO_FROM_BYTES = 1024 * 1024


class _Gunzip:
    """Decodes gzip members one after the other and never makes more than `max_bytes` in all."""

    def __init__(self, max_bytes: int) -> None:
        self._left = max_bytes
        self._taken = 0
        self._made = 0
        self._members = 1
        self._member = zlib.decompressobj(_GZIP)
        self._idle = True
        self._done = False

    def feed(self, chunk: bytes) -> bytes:
        made = bytearray()
        self._taken += len(chunk)
        while chunk and not self._done:
            self._idle = False
            try:
                piece = self._member.decompress(chunk, self._left + 1)
            except zlib.error:
                raise BadAnswer("bad_encoding", "the body is not the gzip it claims to be") from None
            made += piece
            self._count(len(piece))
            chunk = self._next_member() if self._member.eof else self._member.unconsumed_tail
        return bytes(made)

    def _count(self, size: int) -> None:
        self._left -= size
        self._made += size
        if self._left < 0:
            raise BadAnswer("too_large", "the decoded body is larger than allowed")
        if self._made > _RATIO_FROM_BYTES and self._made > _RATIO * self._taken:
            raise BadAnswer("too_large", f"the body grows more than {_RATIO} times when decoded")

    def _next_member(self) -> bytes:
        tail = self._member.unused_data
        if tail and not tail.startswith(b"\x1f"):
            self._done = True  # padding after the last member, which gzip(1) ignores too
            return b""
        self._members += 1
        if self._members > _MEMBERS:
            raise BadAnswer("bad_encoding", f"the body has more than {_MEMBERS} gzip members")
        self._member = zlib.decompressobj(_GZIP)
        self._idle = True
        return tail

    def finish(self) -> None:
        if not (self._done or self._idle or self._member.eof):
            raise Unreachable("truncated", "the gzip body ends too early", sent=True)


def read_body(chunks: Iterable[bytes], encoding: str, *, max_bytes: int) -> bytes:
    """Join raw `chunks`, decoded by the Content-Encoding `encoding`; at most `max_bytes` raw and decoded.

    Raises BadAnswer (`too_large`, `bad_encoding`) or Unreachable (`truncated`).
    """
    encoding = encoding.strip().lower()
    if encoding not in ("", "identity", "gzip", "x-gzip"):
        raise BadAnswer("bad_encoding", f"content encoding {encoding[:40]!r} was not offered")
    gunzip = _Gunzip(max_bytes) if encoding.endswith("gzip") else None
    raw = 0
    body = bytearray()
    for chunk in chunks:
        raw += len(chunk)
        if raw > max_bytes:
            raise BadAnswer("too_large", f"the body is larger than {max_bytes} bytes")
        body += gunzip.feed(chunk) if gunzip else chunk
    if gunzip:
        gunzip.finish()
    return bytes(body)
