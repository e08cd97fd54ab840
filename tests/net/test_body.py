"""Bodies stay bounded, raw and decoded, however they are packed."""

from __future__ import annotations

import gzip
import time

import pytest
from services.raw import gzipped

from watcher.net.body import read_body
from watcher.net.faults import BadAnswer, Unreachable

MB = 1024 * 1024
NOISE = bytes((i * i * 31 + i // 7) % 251 for i in range(50_000))


def _pieces(data: bytes, size: int = 1000) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", " GZIP "])
def test_gzip_is_decoded(encoding: str) -> None:
    assert read_body(_pieces(gzip.compress(NOISE)), encoding, max_bytes=MB) == NOISE


def test_gzip_in_several_members_is_decoded_whole() -> None:
    packed = gzip.compress(NOISE) + gzip.compress(b"more") + b"\0" * 20
    assert read_body(_pieces(packed, 7), "gzip", max_bytes=MB) == NOISE + b"more"


@pytest.mark.parametrize("encoding", ["", "identity"])
def test_a_plain_body_is_taken_as_it_is(encoding: str) -> None:
    assert read_body(_pieces(NOISE), encoding, max_bytes=MB) == NOISE


@pytest.mark.parametrize("encoding", ["br", "zstd", "deflate", "gzip, gzip", "gzip,br", "aes128gcm"])
def test_an_encoding_that_was_not_offered_is_refused(encoding: str) -> None:
    with pytest.raises(BadAnswer) as refused:
        read_body([b"x"], encoding, max_bytes=MB)
    assert refused.value.reason == "bad_encoding"


def test_a_gigabyte_in_a_megabyte_is_refused_at_once() -> None:
    bomb = gzipped(1024)
    started = time.process_time()
    with pytest.raises(BadAnswer) as refused:
        read_body(_pieces(bomb, 65536), "gzip", max_bytes=10 * MB)
    assert refused.value.reason == "too_large"
    assert time.process_time() - started < 0.5


def test_a_double_packed_bomb_is_unpacked_once_at_most() -> None:
    inner = gzipped(100)
    outer = gzip.compress(inner)
    assert read_body([outer], "gzip", max_bytes=10 * MB) == inner


def test_a_long_plain_body_is_refused_when_it_passes_the_bound() -> None:
    def endless():  # type: ignore[no-untyped-def]
        while True:
            yield b"x" * 1000

    with pytest.raises(BadAnswer) as refused:
        read_body(endless(), "", max_bytes=MB)
    assert refused.value.reason == "too_large"


@pytest.mark.parametrize("packed", [b"<rss/>", b"\x1f\x8b\x08garbage-that-is-no-gzip"])
def test_what_is_not_gzip_is_a_bad_encoding(packed: bytes) -> None:
    with pytest.raises(BadAnswer) as refused:
        read_body([packed], "gzip", max_bytes=MB)
    assert refused.value.reason == "bad_encoding"


def test_gzip_that_ends_early_is_truncated() -> None:
    with pytest.raises(Unreachable) as cut:
        read_body([gzip.compress(NOISE)[:-20]], "gzip", max_bytes=MB)
    assert cut.value.reason == "truncated"


def test_a_thousand_empty_members_are_refused() -> None:
    with pytest.raises(BadAnswer):
        read_body([gzip.compress(b"") * 1000], "gzip", max_bytes=MB)
