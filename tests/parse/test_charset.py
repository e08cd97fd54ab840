"""Which character set a document is read with, whatever was declared."""

from __future__ import annotations

import pytest

from watcher.parse.charset import decode


def xml(encoding: str, text: str) -> str:
    return f'<?xml version="1.0" encoding="{encoding}"?><t>{text}</t>'


@pytest.mark.parametrize(
    ("text", "encoded", "content_type"),
    [
        ("é", "utf-8", None),
        ("é", "utf-8", "text/xml; charset=iso-8859-1"),
        (xml("iso-8859-1", "é ü"), "utf-8", None),
        (xml("us-ascii", "é"), "utf-8", "text/xml"),
        (xml("utf-8", "é"), "latin-1", None),
        (xml("utf-8", "é"), "latin-1", "application/xml; charset=utf-8"),
        (xml("iso-8859-1", "50 € – “x”"), "cp1252", None),
        (xml("gb2312", "喆丰生物与重庆"), "gb18030", None),
        (xml("gb2312", "重庆"), "gb18030", "text/xml; charset=utf-8"),
        (xml("big5", "臺灣生技"), "big5", None),
        (xml("euc-kr", "서울바이오"), "euc-kr", None),
        (xml("shift_jis", "東京"), "shift_jis", None),
        (xml("iso-2022-jp", "東京"), "iso2022_jp", None),
        (xml("windows-1251", "Москва"), "cp1251", None),
        (xml("koi8-r", "Москва"), "koi8-r", None),
        (xml("utf-16", "é"), "utf-8", None),
        (xml("x-unknown", "é"), "utf-8", "text/xml; charset=none"),
        (xml("utf-16", "重庆"), "utf-16-le", None),
        (xml("utf-16", "重庆"), "utf-16-be", None),
        ('{"title": "é"}', "utf-16-le", "application/json"),
        ("重庆", "gbk", "text/xml; charset=GBK"),
    ],
)
def test_a_document_is_read_as_it_was_written(text: str, encoded: str, content_type: str | None) -> None:
    assert decode(text.encode(encoded), content_type)[0] == text


@pytest.mark.parametrize("bom", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_beats_every_declaration(bom: str) -> None:
    text = xml("iso-8859-1", "é重")
    assert decode(text.encode(bom), "text/xml; charset=windows-1251")[0] == text


def test_utf_7_and_codecs_that_are_no_character_sets_are_never_used() -> None:
    for label in ("utf-7", "rot13", "unicode_escape", "idna", "zlib"):
        body = xml(label, r"+ADw-script\u0041").encode()
        assert decode(body, f"text/xml; charset={label}")[0] == body.decode()


def test_strays_of_a_western_set_are_mended_in_utf_8() -> None:
    body = "Zürich, Genève, ".encode() + "Orléans".encode("latin-1")
    assert decode(body, None) == ("Zürich, Genève, Orléans", "utf-8")


def test_any_bytes_give_some_text() -> None:
    for body in (bytes(range(256)), b"\xff" * 100, b"\xfe\xff\xd8\x00", b"<\x00?", b"\x00"):
        assert isinstance(decode(body, "text/xml; charset=utf-8")[0], str)
