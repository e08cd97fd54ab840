"""TXT records by the system's own name servers, with the standard library alone; what they mean is their reader's.

Sources: RFC 1035 (messages), RFC 6891 (EDNS0: answers of more than 512 bytes over UDP), RFC 7766 (over TCP).
"""

from __future__ import annotations

import secrets
import socket
import struct
import time
from pathlib import Path

from watcher.errors import CannotHelp, TryAgain

_TXT, _OPT, _IN = 16, 41, 1
_ROOM = 1232
"""Bytes of an answer that pass without being cut into pieces (DNS flag day 2020)."""
_NO_SUCH_NAME = 3
_POINTERS = 32
_HEADER = struct.Struct("!HHHHHH")
RESOLVERS = Path("/etc/resolv.conf")


class NoResolver(TryAgain):
    """Nobody could be asked, or nobody answered."""


class NoSuchName(CannotHelp):
    """The servers that were asked know no such name; one that is told to know little says so of any."""


def servers(path: Path = RESOLVERS) -> tuple[str, ...]:
    """The name servers that the system asks, at most three."""
    try:
        lines = path.read_text("utf-8", "replace").splitlines()
    except OSError:
        return ()
    words = [line.split() for line in lines]
    return tuple(line[1].partition("%")[0] for line in words if len(line) > 1 and line[0] == "nameserver")[:3]


def txt(name: str, *, within_s: float, ask: tuple[str, ...] | None = None, port: int = 53) -> tuple[str, ...]:
    """The TXT records of a name, each joined; none when it has none.

    Raises NoResolver, NoSuchName, and ValueError for what is no name at all.
    """
    asked = servers() if ask is None else ask
    until = time.monotonic() + within_s
    query = _query(name)
    for turn, server in enumerate(asked):
        left_s = (until - time.monotonic()) / (len(asked) - turn)
        if left_s <= 0:
            break
        try:
            answer = _over_udp(server, port, query, left_s)
            if answer[2] & 0x02:  # cut short
                answer = _over_tcp(server, port, query, left_s)
            return _records(answer, name)
        except (OSError, struct.error, IndexError, _Unusable):
            continue
    raise NoResolver("no name server answered" if asked else "no name server is set up here")


class _Unusable(Exception):
    """An answer that says nothing: a server's own fault, or no answer to what was asked."""


def _query(name: str) -> bytes:
    labels = name.rstrip(".").encode("idna").split(b".")
    if not all(0 < len(label) < 64 for label in labels):
        raise ValueError(f"{name!r} is no name")
    question = b"".join(bytes([len(label)]) + label for label in labels) + b"\0" + struct.pack("!HH", _TXT, _IN)
    room = b"\0" + struct.pack("!HHIH", _OPT, _ROOM, 0, 0)
    return _HEADER.pack(secrets.randbelow(65536), 0x0100, 1, 0, 0, 1) + question + room


def _over_udp(server: str, port: int, query: bytes, within_s: float) -> bytes:
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    until = time.monotonic() + within_s
    with socket.socket(family, socket.SOCK_DGRAM) as link:
        link.connect((server, port))
        link.send(query)
        while (left_s := until - time.monotonic()) > 0:
            link.settimeout(left_s)
            answer = link.recv(65535)
            if _answers(answer, query):
                return answer
    raise TimeoutError


def _over_tcp(server: str, port: int, query: bytes, within_s: float) -> bytes:
    with socket.create_connection((server, port), timeout=within_s) as link, link.makefile("rb") as replies:
        link.sendall(struct.pack("!H", len(query)) + query)
        (length,) = struct.unpack("!H", replies.read(2))
        answer: bytes = replies.read(length)
    if len(answer) < length or not _answers(answer, query):
        raise _Unusable
    return answer


def _answers(answer: bytes, query: bytes) -> bool:
    """Whether it answers this very question, and is no other's."""
    asked = query[12 : query.index(b"\0", 12) + 5]
    return len(answer) > 12 and answer[:2] == query[:2] and answer[12 : 12 + len(asked)].lower() == asked.lower()


def _records(answer: bytes, name: str) -> tuple[str, ...]:
    _, flags, questions, answers, *_ = _HEADER.unpack_from(answer)
    code = flags & 0x0F
    if code == _NO_SUCH_NAME:
        raise NoSuchName(f"no name server knows {name}")
    if code:
        raise _Unusable
    at = 12
    for _ in range(questions):
        at = _after_name(answer, at) + 4
    found = []
    for _ in range(answers):
        at = _after_name(answer, at)
        kind, _, _, length = struct.unpack_from("!HHIH", answer, at)
        at += 10
        if kind == _TXT:
            found.append(_strings(answer[at : at + length]))
        at += length
    return tuple(found)


def _after_name(message: bytes, at: int) -> int:
    for _ in range(_POINTERS * 4):
        length = message[at]
        if length >= 0xC0:
            return at + 2
        at += 1 + length
        if not length:
            return at
    raise _Unusable


def _strings(data: bytes) -> str:
    parts, at = [], 0
    while at < len(data):
        parts.append(data[at + 1 : at + 1 + data[at]])
        at += 1 + data[at]
    return b"".join(parts).decode("utf-8", "replace")
