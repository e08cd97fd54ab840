import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watcher.match.fold import fold, folded_chars
from watcher.match.scan import Scan, positions

LITERALS = ("license", "σ", "i", "k", "'s", "授权", "发", "发发发发发发发", "台湾", "苎", "gr1803", "ß")
MASKS = {literal: 1 << index for index, literal in enumerate(LITERALS)}
SCAN = Scan(MASKS)
PIECES = (
    "License", "LICENSE", "licen\u017fe",
    "ĹICÉNSE", "\uff2c\uff49\uff43\uff45\uff4e\uff53\uff45", "Σ", "ας", "İ", "\u212a", "’s",
    "授權", "授权", "發", "發髮发發髮发發", "臺灣", "台灣",
    "薴", "苧", "GR1803", "\U00010400", "\ud800", "\udc00", "\n", " ",
)  # fmt: skip
texts = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=3)), max_size=12).map("".join)


@settings(max_examples=400, deadline=None)
@given(texts)
def test_the_scan_finds_what_the_folded_text_holds(text: str) -> None:
    folded = fold(text)
    assert SCAN.bits(text) == sum(mask for literal, mask in MASKS.items() if literal in folded)


@pytest.mark.parametrize("char", sorted({char for char, _ in folded_chars()} & set("ÉŁИΩＡ。發薴K’　\u2011İ")))
def test_what_folding_changes_is_known_char_by_char(char: str) -> None:
    assert dict(folded_chars())[char] == fold(char) != char


def test_folding_does_not_depend_on_what_stands_beside() -> None:
    assert fold("薴苧") == fold("薴") + fold("苧") == "苎苎"


def test_every_position_of_a_literal_is_found() -> None:
    found = positions(["art", "start"]).find_matches_as_indexes("start", overlapping=True)
    assert sorted(found) == [(0, 2, 5), (1, 0, 5)]
