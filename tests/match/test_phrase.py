import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.match.fold import fold
from watcher.match.phrase import Phrase, PhraseError, read_phrase, shortest
from watcher.match.words import forms

LISTS = {
    "verbs": (read_phrase("sign"), read_phrase("签署")),
    "deals": (read_phrase("license agreement"), read_phrase("授权协议"), read_phrase("deal")),
}


def found(phrase: Phrase, text: str) -> str | None:
    hit = phrase.regex.search(fold(text))
    return text[hit.start() : hit.end()] if hit else None


@pytest.mark.parametrize(
    ("phrase", "text", "expected"),
    [
        ("license agreement", "two Licensing Agreements", "Licensing Agreements"),
        ("license agreement", "the licence agreement", "licence agreement"),
        ("license agreement", "ＬＩＣＥＮＳＥ　ａｇｒｅｅｍｅｎｔ", "ＬＩＣＥＮＳＥ　ａｇｒｅｅｍｅｎｔ"),
        ("license agreement", "a license\nagreement", "license\nagreement"),
        ("license agreement", "the licensee agreements", None),
        ("out-license", "it outlicensed, out licenses", "outlicensed"),
        ("out-license", "out‑licences", "out‑licences"),
        ("strike a? deal", "struck deals", "struck deals"),
        ("strike a? deal", "strikes a deal", "strikes a deal"),
        ("a? new? license deal", "licensing deals", "licensing deals"),
        ("=signs pact", "signed pact", None),
        ("=signs pact", "signs pacts", "signs pacts"),
        ("bio*", "biotechnology", "biotechnology"),
        ("sign|enter_into a? pact", "entered into pacts", "entered into pacts"),
        ("convenio", "o convênio", "convênio"),
        ("授权协议", "獨家授權協議書", "授權協議"),
        ("A轮", "完成Ａ轮融资", "Ａ轮"),
        ("IPO", "hippos", None),
        (
            "sign ... agreement",
            "signed, after months of talks, an agreement",
            "signed, after months of talks, an agreement",
        ),
        ("sign ...2 agreement", "signed after very many long months of talks an agreement", None),
        ("签署...协议", "双方签署了一份独家协议", "签署了一份独家协议"),
        ("{verbs} ... {deals}", "signed an exclusive licence agreement", "signed an exclusive licence agreement"),
        ("{verbs}...{deals}", "簽署獨家授權協議", "簽署獨家授權協議"),
    ],
)
def test_a_phrase_finds_the_forms_of_its_words(phrase: str, text: str, expected: str | None) -> None:
    assert found(read_phrase(phrase, LISTS), text) == expected


@pytest.mark.parametrize(
    ("phrase", "message"),
    [
        ("... deal", "begins or ends with a gap"),
        ("deal ...", "begins or ends with a gap"),
        ("{nope} deal", "no word list 'nope' (lists: deals, verbs)"),
        ("<firm> deal", "write one of party, place, money, asset, date"),
        ("<party:firm>", "'firm' is no kind of party"),
        ("<a=party> <a=party>", "slot 'a' stands twice"),
        ("sign||ink", "a word is missing beside '|'"),
        ("a? b?", "holds no word that must be there"),
        ("sign ...99 deal", "a gap holds 1 to 40 words"),
        ("ab* deal", "at least three letters before '*'"),
        ("{verbs", "cannot be read"),
    ],
)
def test_a_phrase_that_cannot_be_read_says_what_to_write(phrase: str, message: str) -> None:
    with pytest.raises(PhraseError) as caught:
        read_phrase(phrase, LISTS)
    assert message in str(caught.value)


def test_every_match_holds_one_literal_of_each_set_that_the_phrase_needs() -> None:
    phrase = read_phrase("{verbs} ... exclusive? {deals}", LISTS)
    assert phrase.needs == (frozenset({"sign", "签署"}), frozenset({"agreement", "授权协议", "deal"}))


@pytest.mark.parametrize(
    ("word", "some"),
    [
        ("license", {"licensed", "licensing", "licence", "licences"}),
        ("strike", {"struck", "striking"}),
        ("city", {"cities"}),
        ("plan", {"planned", "planning"}),
        ("study", {"studies", "studied"}),
        ("finalize", {"finalised", "finalizing"}),
        ("centre", {"centers"}),
        ("win", {"won", "winning"}),
    ],
)
def test_words_inflect_in_both_spellings(word: str, some: set[str]) -> None:
    assert some <= forms(word)


@pytest.mark.parametrize("word", ["the", "with", "GR1803".lower(), "重庆", "a", "of"])
def test_function_words_codes_and_other_scripts_stay_as_they_are(word: str) -> None:
    assert forms(word) == {word}


def test_literals_that_hold_another_one_are_not_needed() -> None:
    assert shortest(frozenset({"sign", "signed", "deal"})) == {"sign", "deal"}


@given(st.text(max_size=300))
def test_folding_keeps_every_code_point_in_its_place(text: str) -> None:
    assert len(fold(text)) == len(text)


@given(st.text(alphabet="aAé京授權Ｂ ’-İΣ", max_size=30), st.text(alphabet="aAé京授權Ｂ ’-İΣ", max_size=30))
def test_folding_a_part_gives_the_part_of_the_folded_text(one: str, other: str) -> None:
    assert fold(f"{one}\n{other}") == f"{fold(one)} {fold(other)}"
