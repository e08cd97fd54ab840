"""Which tellings are one story, across languages and forms, and which only look like it."""

from __future__ import annotations

import json
import random
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watcher.story.candidates import StoryIndex, joins
from watcher.story.fingerprint import Telling, fingerprint
from watcher.story.group import group
from watcher.story.same import Reason, Weights, compared, same
from watcher.story.words import features

SETS = Path(__file__).parent / "sets"
TAKEDA = Telling(
    id="en",
    title="Takeda pays Innovent $1.2 billion for two cancer drugs",
    text="Takeda licenses IBI363 and IBI343 from China's Innovent Biologics for $1.2 billion upfront.",
)
TAKEDA_ZH = Telling(
    id="zh",
    title="信达生物与武田达成合作",
    text="信达生物将IBI363和IBI343的海外权益授予武田制药,首付款12亿美元。",
)
LILLY = Telling(
    id="lilly",
    title="Innovent licenses obesity drug IBI362 to Lilly",
    text="Innovent Biologics and Eli Lilly widened their work on IBI362 with $350 million upfront.",
)


def _rows(name: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in (SETS / name).read_text(encoding="utf-8").splitlines()]


def _tellings(name: str) -> list[Telling]:
    return [Telling(id=r["id"], title=r["title"], text=r.get("text", ""), language=r["lang"]) for r in _rows(name)]


@pytest.mark.parametrize(
    ("text", "some"),
    [
        ("Takeda pays $1.2 billion for IBI-363", {"@takeda", "#1.2e+09", "#ibi363"}),
        ("武田以12亿美元引进IBI363", {"@takeda", "#1.2e+09", "#ibi363"}),
        ("Erdbeben der Stärke 6,1 im Iran", {"~quake", "#6.1", "=ir"}),
        ("이란서 규모 6.1 지진", {"~quake", "#6.1", "=ir"}),
        ("Трамп встретился с Путиным", {"~person_trump"}),
        ("16 mil millones", {"#1.6e+04"}),
        ("1.200 Mitarbeiter, 1,200 employees", {"#1.2e+03", "~job"}),
    ],
)
def test_features_are_the_same_in_any_language(text: str, some: set[str]) -> None:
    assert some <= set(features(text))


def test_two_languages_tell_one_story() -> None:
    assert same(fingerprint(TAKEDA), fingerprint(TAKEDA_ZH)).same


def test_two_deals_of_one_company_stay_two() -> None:
    decision = same(fingerprint(TAKEDA), fingerprint(LILLY))
    assert (decision.same, decision.reason) == (False, Reason.OTHER_ASSET)


def test_a_republished_page_is_known_by_its_link_and_by_its_text() -> None:
    one = Telling(id="a", title="A park opens", text="The park of the north opened its gates today to forty companies.")
    linked = Telling(id="b", title="A park opens", link="http://www.news.example/park/")
    again = Telling(id="c", title="A park opens!", link="https://news.example/park")
    assert same(fingerprint(linked), fingerprint(again)).reason is Reason.SAME_PAGE
    copied = Telling(id="d", title="Elsewhere", text=one.text.upper())
    assert same(fingerprint(one), fingerprint(copied)).reason is Reason.SAME_TEXT


def test_the_same_words_three_months_later_are_another_story() -> None:
    one = Telling(id="a", title="Quake shakes Qeshm island again, homes destroyed", dated=date(2026, 1, 1))
    later = Telling(id="b", title="Quake shakes Qeshm island once more, houses destroyed", dated=date(2026, 4, 20))
    assert same(fingerprint(one), fingerprint(later)).reason is Reason.TOO_FAR_APART


def test_a_round_up_joins_nothing() -> None:
    digest = Telling(
        id="digest",
        title="Week in review",
        text="Takeda licenses IBI363 from Innovent for $1.2 billion. Lilly pays Innovent $350 million for IBI362.",
    )
    assert same(fingerprint(TAKEDA), fingerprint(digest)).reason is Reason.ROUNDUP
    found = group([TAKEDA, TAKEDA_ZH, LILLY, digest])
    assert found["en"] == found["zh"]
    assert len(set(found.values())) == 3


def test_tellings_of_one_story_share_a_key() -> None:
    assert fingerprint(TAKEDA).keys & fingerprint(TAKEDA_ZH).keys
    assert not fingerprint(TAKEDA).keys & fingerprint(Telling(id="x", title="Rail strike halts trains")).keys


def test_without_core_items_nothing_is_joined() -> None:
    assert not joins(compared(fingerprint(TAKEDA), Weights()), []).same


@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("tellings.jsonl", 0.93),
        ("titles.jsonl", 0.87),
        ("learned_documents.jsonl", 0.88),
        ("held_twins.jsonl", 0.86),
        ("held_heads.jsonl", 0.80),
    ],
)
def test_the_sets_come_out_well_whatever_the_order(name: str, least: float) -> None:
    items, true = _tellings(name), {r["id"]: r["story"] for r in _rows(name)}
    found = group(items)
    shuffled = items[:]
    random.Random(3).shuffle(shuffled)
    assert group(shuffled) == found
    assert _f1(found, true) >= least


def _f1(found: dict[str, str], true: dict[str, str]) -> float:
    precision = recall = 0.0
    for one in true:
        mine = {other for other in found if found[other] == found[one]}
        gold = {other for other in true if true[other] == true[one]}
        precision += len(mine & gold) / len(mine)
        recall += len(mine & gold) / len(gold)
    return 2 * precision * recall / (precision + recall) / len(true)


@pytest.mark.parametrize("seed", range(3))
def test_items_that_arrive_one_by_one_come_to_the_same_stories(seed: int) -> None:
    items = [TAKEDA, TAKEDA_ZH, LILLY]
    random.Random(seed).shuffle(items)
    index = StoryIndex()
    story = {one.id: index.add(fingerprint(one))[0] for one in items}
    assert story["en"] == story["zh"] != story["lilly"]
    index.close(story["en"])
    assert index.find(fingerprint(TAKEDA))[0] is None


_ANY = st.text(max_size=200) | st.sampled_from(["", "\ud800", "9" * 400, "1.2.3,4", "$" * 50, "İ" * 20, "ﷺ" * 30])


@settings(max_examples=150, deadline=None)
@given(_ANY, _ANY, _ANY)
def test_any_text_has_a_decision_that_does_not_depend_on_the_side(title: str, text: str, other: str) -> None:
    one, two = fingerprint(Telling(id="1", title=title, text=text)), fingerprint(Telling(id="2", title=other))
    assert same(one, two).same == same(two, one).same
    assert set(group([one.telling, two.telling])) == {"1", "2"}
    assert isinstance(one.keys, frozenset)


@pytest.mark.parametrize(
    ("maker", "reason"),
    [
        ("Velarde Medicines", Reason.OTHER_PARTIES),
        ("Kestrel", Reason.WORDS),
        ("Kestrel Biosciences", Reason.WORDS),
    ],
)
def test_one_sentence_about_two_companies_is_two_stories(maker: str, reason: Reason) -> None:
    told = "{} raises $30 million for a kidney drug"
    text = "{} raised $30 million to test its kidney drug in a first trial, with money of its investors."
    one, two = (
        Telling(id=name, title=told.format(name), text=text.format(name), language="en")
        for name in ("Kestrel Bio", maker)
    )
    decision = same(fingerprint(one), fingerprint(two))
    assert (decision.same, decision.reason) == (reason is not Reason.OTHER_PARTIES, reason)
