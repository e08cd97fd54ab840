"""What an event tells when another item tells it too: what is filled in, revised, or beside it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from watcher import wording
from watcher.model import Bound, Change, ChangeWhy, Fact, FactKind, OtherValue, Snippet
from watcher.story.merge import Merged, ToldBy, end, merge, since, told_by

MORNING = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
FIRST = ToldBy(item_id=1, told_at=MORNING)
SOON = ToldBy(item_id=2, told_at=MORNING + timedelta(hours=2))
LATER = ToldBy(item_id=3, told_at=MORNING + timedelta(days=1))


def money(value: float, currency: str | None = "USD", name: str = "amount", **rest: Any) -> Fact:
    usd = value if currency == "USD" else None
    return Fact(name=name, kind=FactKind.MONEY, value=value, currency=currency, **{"usd": usd, **rest})


def text(name: str, value: str) -> Fact:
    return Fact(name=name, kind=FactKind.TEXT, value=value)


def facts(*given: Fact) -> dict[str, Fact]:
    return {fact.name: fact for fact in given}


def joined(first: Fact, second: Fact, teller: ToldBy) -> Merged:
    return merge(told_by(facts(first), FIRST), [], facts(second), [], teller)


def snippet(number: int) -> Snippet:
    return Snippet(text=f"Sentence {number}.", marks=((0, 8),))


# ── filling in ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_missing_fact_is_filled_in_behind_the_known_ones_with_its_own_item() -> None:
    known = told_by(facts(money(5e6)), FIRST)
    merged = merge(known, [], facts(text("round", "Series A")), [], SOON)
    assert list(merged.facts) == ["amount", "round"]
    assert [fact.item_id for fact in merged.facts.values()] == [1, 2]
    assert merged.changed
    assert not merged.revised


def test_an_amount_that_nobody_had_told_is_a_revision() -> None:
    merged = merge(told_by(facts(text("round", "A")), FIRST), [], facts(money(1.2e9)), [], SOON)
    assert merged.changes == (Change(fact="amount", before="", after="1.2bn USD", why=ChangeWhy.NOW_KNOWN),)
    assert wording.change(merged.changes[0]) == "amount now known: 1.2bn USD"


def test_a_second_amount_beside_the_first_is_no_revision() -> None:
    merged = merge(told_by(facts(money(1e9)), FIRST), [], facts(money(5e7, name="upfront")), [], LATER)
    assert (merged.revised, list(merged.facts)) == (False, ["amount", "upfront"])


def test_the_same_again_changes_nothing() -> None:
    known = told_by(facts(money(5e6)), FIRST)
    assert not merge(known, [snippet(1)], facts(money(5e6)), [snippet(1)], LATER).changed


def test_at_most_five_sentences_are_kept_the_first_ones() -> None:
    merged = merge({}, [snippet(1), snippet(2)], {}, [snippet(n) for n in range(2, 9)], SOON)
    assert merged.snippets == tuple(snippet(n) for n in range(1, 6))


def test_the_sentences_of_a_revision_come_first() -> None:
    known = told_by(facts(money(1e9)), FIRST)
    merged = merge(known, [snippet(n) for n in range(5)], facts(money(1.2e9)), [snippet(9)], LATER)
    assert merged.snippets == tuple(snippet(n) for n in (9, 0, 1, 2, 3))


# ── amounts ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("known", "told"),
    [
        (money(1.2e9), money(1.24e9)),
        (money(38.33e6), money(38e6)),
        (money(10.2e9, "CNY", usd=1.4307e9), money(1.43e9)),
        (money(712e6), money(712e6, bound=Bound.AT_MOST)),
        (money(1e9, bound=Bound.AT_LEAST), money(1.1e9)),
        (money(5e6, high=8e6, bound=Bound.RANGE), money(6e6)),
        (money(1e8, "CNY", bound=Bound.VAGUE, usd=1.4e7), money(3e8, "CNY", usd=4.2e7)),
        (money(5e6, None, usd=None), money(5e6, None, usd=None)),
        (money(5e6, None, usd=None), money(5e6)),
    ],
    ids=["rounded", "cut", "converted", "up to", "more than", "in a range", "hundreds of", "no currency", "now told"],
)
def test_amounts_that_say_the_same_are_no_news(known: Fact, told: Fact) -> None:
    for one, two in ((known, told), (told, known)):
        merged = joined(one, two, LATER)
        assert (merged.revised, merged.changed) == (False, False)


def test_a_newer_source_corrects_an_amount() -> None:
    merged = joined(money(1e9), money(1.2e9), LATER)
    assert merged.changes == (Change(fact="amount", before="1bn USD", after="1.2bn USD", why=ChangeWhy.NEWER),)
    assert (merged.facts["amount"].value, merged.facts["amount"].item_id) == (1.2e9, 3)
    assert wording.change(merged.changes[0]) == "amount corrected from 1bn USD to 1.2bn USD by a newer source"


def test_a_correction_counts_at_once() -> None:
    merged = joined(money(1e9), money(1.2e9), replace(SOON, corrects=True))
    assert [change.why for change in merged.changes] == [ChangeWhy.CORRECTED]
    assert wording.change(merged.changes[0]) == "amount corrected from 1bn USD to 1.2bn USD"


def test_sources_that_contradict_each_other_stand_side_by_side() -> None:
    merged = joined(money(1e9), money(1.2e9), SOON)
    fact = merged.facts["amount"]
    assert (merged.revised, merged.changed, fact.value) == (False, True, 1e9)
    assert [(other.value, other.item_id) for other in fact.others] == [(1.2e9, 2)]
    assert wording.others(fact) == "other sources: 1.2bn USD"


def test_a_third_source_that_agrees_with_either_adds_nothing() -> None:
    two = joined(money(1e9), money(1.2e9), SOON)
    for value in (1e9, 1.2e9):
        third = ToldBy(item_id=4, told_at=MORNING + timedelta(hours=3))
        assert not merge(two.facts, [], facts(money(value)), [], third).changed


def test_a_correction_takes_the_contradiction_away() -> None:
    two = joined(money(1e9), money(1.2e9), SOON)
    fact = merge(two.facts, [], facts(money(1.2e9)), [], LATER).facts["amount"]
    assert (fact.value, fact.others) == (1.2e9, ())


def test_an_older_report_that_comes_late_changes_nothing() -> None:
    late = ToldBy(item_id=2, told_at=MORNING - timedelta(days=1))
    assert not joined(money(1e9), money(8e8), late).changed


def test_amounts_without_a_common_currency_are_never_a_correction() -> None:
    merged = joined(money(1e9), money(7e9, None, usd=None), LATER)
    assert not merged.revised


def test_another_way_of_writing_a_name_is_no_news() -> None:
    known, told = (Fact(name="licensor", kind=FactKind.PARTY, value=name) for name in ("Konoya", "康诺亚"))
    merged = joined(known, told, LATER)
    assert (merged.revised, merged.facts["licensor"].value) == (False, "Konoya")


# ── stages ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("known", "told", "teller", "revised"),
    [
        ("exploring", "signed", LATER, True),
        ("mou", "signed", SOON, True),
        ("signed", "exploring", LATER, False),
        ("signed", "ended", LATER, True),
        ("signed", "signed", LATER, False),
        ("ended", "signed", SOON, False),
        ("ended", "signed", LATER, True),
        ("ended", "exploring", LATER, False),
        ("phase one", "phase two", LATER, True),
        ("exploring", "signed", ToldBy(item_id=2, told_at=MORNING - timedelta(days=2)), False),
    ],
)
def test_a_stage_only_goes_forward(known: str, told: str, teller: ToldBy, revised: bool) -> None:
    merged = joined(text("stage", known), text("stage", told), teller)
    assert merged.revised == revised
    assert merged.facts["stage"].value == (told if revised else known)


def test_a_stage_that_moves_on_is_told_in_words() -> None:
    (change,) = joined(text("stage", "exploring"), text("stage", "signed"), LATER).changes
    assert wording.change(change) == "stage moved on from exploring to signed"


def test_an_ending_is_a_revision_and_is_told_once() -> None:
    known = told_by(facts(money(1e9)), FIRST)
    ended = end(known, [], text("stage", "ended"), [snippet(1)], LATER)
    assert [wording.change(change) for change in ended.changes] == ["reported as ended"]
    assert (ended.facts["stage"].item_id, ended.snippets) == (3, (snippet(1),))
    again = end(ended.facts, ended.snippets, text("stage", "ended"), [snippet(2)], LATER)
    assert not again.changed


def test_an_ending_older_than_what_is_known_ends_nothing() -> None:
    known = told_by(facts(money(1e9)), LATER)
    assert not end(known, [], text("stage", "ended"), [], FIRST).changed


# ── the same item again ──────────────────────────────────────────────────────────────────────────────────────────────


def test_an_item_that_is_read_again_replaces_what_it_told() -> None:
    merged = joined(money(1e9), money(1.2e9), FIRST)
    assert [wording.change(change) for change in merged.changes] == [
        "amount corrected from 1bn USD to 1.2bn USD after the full text was read"
    ]
    assert merged.facts["amount"].value == 1.2e9


def test_what_an_item_told_beside_another_goes_when_it_is_read_again() -> None:
    two = joined(money(1e9), money(1.2e9), SOON)
    merged = merge(two.facts, [], facts(money(1e9)), [], SOON)
    assert (merged.facts["amount"].others, merged.revised, merged.changed) == ((), False, True)


def test_new_rules_rewrite_facts_in_silence() -> None:
    merged = joined(money(1e9), money(1.2e9), replace(FIRST, quiet=True))
    assert (merged.facts["amount"].value, merged.changes, merged.changed) == (1.2e9, (), True)


def test_several_revisions_are_told_as_one_change() -> None:
    one = Change(fact="amount", before="1bn USD", after="1.1bn USD", why=ChangeWhy.NEWER)
    two = Change(fact="amount", before="1.1bn USD", after="1.2bn USD", why=ChangeWhy.CORRECTED)
    back = Change(fact="amount", before="1.2bn USD", after="1bn USD", why=ChangeWhy.CORRECTED)
    assert since([one, two]) == (replace(two, before="1bn USD"),)
    assert since([one, two, back]) == ()


def test_no_more_than_four_other_values_are_kept() -> None:
    known = told_by(facts(money(1e9)), FIRST)
    for number in range(2, 9):
        known = dict(merge(known, [], facts(money(number * 1e9)), [], replace(SOON, item_id=number)).facts)
    assert [other.value for other in known["amount"].others] == [2e9, 3e9, 4e9, 5e9]
    assert isinstance(known["amount"].others[0], OtherValue)
