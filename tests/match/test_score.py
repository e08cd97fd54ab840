import pytest

from watcher.match.score import Counts, Judged, count, wilson


def test_counts_give_precision_recall_and_f1() -> None:
    judged = [
        Judged(language="en", labels=frozenset({"a"}), matched=frozenset({"a"})),
        Judged(language="en", labels=frozenset({"a"}), matched=frozenset()),
        Judged(language="zh", labels=frozenset(), matched=frozenset({"a"})),
        Judged(language="zh", labels=frozenset({"a"}), matched=frozenset({"a", "b"})),
    ]
    counts = count("a", judged)
    assert counts == Counts(right=2, false=1, missed=1, silent=0)
    assert (counts.precision, counts.recall, counts.f1) == (2 / 3, 2 / 3, 2 / 3)


def test_wilson_gives_the_published_interval() -> None:
    low, high = wilson(81, 263)  # Newcombe 1998, Statistics in Medicine 17:857, table I
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)


def test_nothing_judged_says_nothing() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
    assert Counts().f1 == 1.0


@pytest.mark.parametrize("right", [0, 3, 20])
def test_the_interval_of_f1_holds_f1(right: int) -> None:
    counts = Counts(right=right, false=2, missed=3)
    low, high = counts.f1_interval
    assert low <= counts.f1 <= high
