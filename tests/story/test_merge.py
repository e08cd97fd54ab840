"""What an event tells when another item tells it too."""

from __future__ import annotations

from watcher.model import Fact, FactKind, Snippet
from watcher.story.merge import merge

AMOUNT = Fact(name="amount", kind=FactKind.MONEY, value=5e6, currency="USD")
OTHER = Fact(name="amount", kind=FactKind.MONEY, value=6e6, currency="USD")
ROUND = Fact(name="round", kind=FactKind.TEXT, value="Series A")


def _snippet(number: int) -> Snippet:
    return Snippet(text=f"Sentence {number}.", marks=((0, 8),))


def test_a_missing_fact_is_filled_in_behind_the_known_ones() -> None:
    merged = merge({"amount": AMOUNT}, [], {"round": ROUND, "amount": OTHER}, [])
    assert list(merged.facts.items()) == [("amount", AMOUNT), ("round", ROUND)]
    assert merged.changed
    assert not merged.revised


def test_the_same_again_changes_nothing() -> None:
    assert not merge({"amount": AMOUNT}, [_snippet(1)], {"amount": AMOUNT}, [_snippet(1)]).changed


def test_at_most_five_sentences_are_kept_the_first_ones() -> None:
    merged = merge({}, [_snippet(1), _snippet(2)], {}, [_snippet(n) for n in range(2, 9)])
    assert merged.snippets == tuple(_snippet(n) for n in range(1, 6))
