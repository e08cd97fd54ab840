"""TXT records from a real name server of our own on loopback."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from watcher.net import dns

Answer = Callable[[bytes], bytes | None]
HERE = ("127.0.0.1",)


@contextmanager
def _served(over_udp: Answer, over_tcp: Answer | None = None) -> Iterator[int]:
    """A server that answers each question with what `over_udp` makes of it; its port."""
    with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        port = tcp.getsockname()[1]
        udp.bind(("127.0.0.1", port))

        def packets() -> None:
            while True:
                query, who = udp.recvfrom(4096)
                if not query:
                    return
                if (answer := over_udp(query)) is not None:
                    udp.sendto(answer, who)

        def streams() -> None:
            link, _ = tcp.accept()
            with link:
                query = link.recv(4096)[2:]
                answer = over_tcp(query) if over_tcp and query else None
                if answer is not None:
                    link.sendall(struct.pack("!H", len(answer)) + answer)

        threads = [threading.Thread(target=packets), threading.Thread(target=streams)]
        for thread in threads:
            thread.start()
        yield port
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bell:
            bell.sendto(b"", ("127.0.0.1", port))
        with socket.create_connection(("127.0.0.1", port)):
            pass
        for thread in threads:
            thread.join(5)


def _question(query: bytes) -> bytes:
    return query[12 : query.index(b"\0", 12) + 5]


def _reply(query: bytes, *texts: list[bytes], code: int = 0, flags: int = 0x8180) -> bytes:
    head = query[:2] + struct.pack("!HHHHH", flags | code, 1, len(texts), 0, 0)
    found = b""
    for parts in texts:
        data = b"".join(bytes([len(part)]) + part for part in parts)
        found += b"\xc0\x0c" + struct.pack("!HHIH", 16, 1, 60, len(data)) + data
    return head + _question(query) + found


def test_the_parts_of_a_record_are_joined_and_every_record_is_given() -> None:
    with _served(lambda query: _reply(query, [b"v=spf1 ", b"-all"], [b"another"])) as port:
        assert dns.txt("news.example.", within_s=5, ask=HERE, port=port) == ("v=spf1 -all", "another")


def test_an_answer_that_was_cut_short_is_asked_for_again_over_tcp() -> None:
    long = [b"k" * 250] * 10

    def whole(query: bytes) -> bytes:
        return _reply(query, long)

    with _served(lambda query: _reply(query, flags=0x8380), whole) as port:
        assert dns.txt("news.example", within_s=5, ask=HERE, port=port) == ("k" * 2500,)


def test_a_name_that_nobody_knows_is_told_from_a_name_without_records() -> None:
    with _served(lambda query: _reply(query)) as port:
        assert dns.txt("news.example", within_s=5, ask=HERE, port=port) == ()
    with _served(lambda query: _reply(query, code=3)) as port, pytest.raises(dns.NoSuchName):
        dns.txt("news.example", within_s=5, ask=HERE, port=port)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(lambda _query: None, id="silence"),
        pytest.param(lambda query: _reply(query, code=2), id="a fault of the server"),
        pytest.param(lambda query: b"\0\0" + _reply(query, [b"forged"])[2:], id="another id"),
        pytest.param(lambda query: _reply(query).replace(b"news", b"evil"), id="another question"),
        pytest.param(lambda query: query[:2] + b"\x81\x80\x00\x01", id="cut in its head"),
        pytest.param(lambda query: _reply(query, [b"x"])[:-4], id="cut in its record"),
        pytest.param(
            lambda query: query[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + _question(query) + b"\x01a" * 300, id="a long name"
        ),
    ],
)
def test_what_is_no_answer_is_nobody(answer: Answer) -> None:
    with _served(answer) as port, pytest.raises(dns.NoResolver, match="no name server answered"):
        dns.txt("news.example", within_s=0.4, ask=HERE, port=port)


def test_the_servers_are_those_of_the_system(tmp_path: Path) -> None:
    path = tmp_path / "resolv.conf"
    path.write_text("# ours\nsearch lan\nnameserver 192.0.2.1\nnameserver fe80::1%eth0\nnameserver\n")
    assert dns.servers(path) == ("192.0.2.1", "fe80::1")
    assert dns.servers(tmp_path / "none") == ()
    with pytest.raises(dns.NoResolver, match="no name server is set up here"):
        dns.txt("news.example", within_s=1, ask=())


@pytest.mark.parametrize("name", ["", "a..b", "x" * 64 + ".example"])
def test_what_is_no_name_is_not_asked_for(name: str) -> None:
    with pytest.raises(ValueError):
        dns.txt(name, within_s=1, ask=HERE)
