"""Average linkage, how clearly piles stand apart, and where joining stops."""

from __future__ import annotations

import random
from itertools import combinations

import pytest

from watcher.story.piles import Piles, Stage, chosen, joined


def _near(size: int, likenesses: dict[tuple[int, int], float]) -> list[dict[int, float]]:
    near: list[dict[int, float]] = [{} for _ in range(size)]
    for (a, b), value in likenesses.items():
        near[a][b] = near[b][a] = value
    return near


def _piles(of: object) -> set[frozenset[int]]:
    assert isinstance(of, list)
    return {frozenset(n for n, pile in enumerate(of) if pile == one) for one in of}


def test_an_item_joins_a_pile_by_its_mean_likeness_to_all_items_of_it() -> None:
    near = _near(3, {(0, 1): 0.8, (1, 2): 0.5, (0, 2): 0.1})
    strict, loose = Piles(near).stages((0.4, 0.3))
    assert _piles(strict.of) == {frozenset({0, 1}), frozenset({2})}
    assert _piles(loose.of) == {frozenset({0, 1, 2})}


def test_items_that_share_nothing_stay_alone() -> None:
    (only,) = Piles(_near(3, {})).stages((0.05,))
    assert (only.alone, only.apart, len(set(only.of))) == (1.0, 0.0, 3)


def test_how_clearly_piles_stand_apart_is_their_mean_silhouette() -> None:
    near = _near(4, {(0, 1): 0.6, (2, 3): 0.6, (0, 2): 0.2, (0, 3): 0.2, (1, 2): 0.2, (1, 3): 0.2})
    (only,) = Piles(near).stages((0.4,))
    assert only.apart == pytest.approx((0.6 - 0.2) / (1 - 0.2))


@pytest.mark.parametrize("seed", range(5))
def test_piles_are_those_of_joining_the_likest_two_again_and_again(seed: int) -> None:
    chance, size, cut = random.Random(seed), 14, 0.35
    likenesses = {pair: chance.random() for pair in combinations(range(size), 2)}
    piles = [frozenset({n}) for n in range(size)]

    def mean(a: frozenset[int], b: frozenset[int]) -> float:
        return sum(likenesses[min(x, y), max(x, y)] for x in a for y in b) / (len(a) * len(b))

    while len(piles) > 1:
        a, b = max(combinations(piles, 2), key=lambda pair: mean(*pair))
        if mean(a, b) < cut:
            break
        piles = [one for one in piles if one not in (a, b)] + [a | b]
    (only,) = Piles(_near(size, likenesses)).stages((cut,))
    assert _piles(only.of) == set(piles)


def test_equal_likenesses_come_to_an_end() -> None:
    near = _near(60, dict.fromkeys(combinations(range(60), 2), 1 / 3))
    (only,) = Piles(near).stages((0.3,))
    assert len(set(only.of)) == 1


def _stage(cut: float, apart: float, alone: float, items: int = 100) -> Stage:
    return Stage(cut=cut, of=[0] * items, apart=apart, alone=alone)


@pytest.mark.parametrize(
    ("features", "alone", "items", "cut"),
    [
        (5, 0.0, 100, 0.08),
        (30, 0.0, 100, 0.16),
        (30, 0.5, 100, 0.26),
        (5, 0.0, 10, 0.26),
    ],
    ids=["headlines", "texts", "mostly lone items", "few items"],
)
def test_where_nothing_stands_out_joining_stops_at_the_usual_place(
    features: int, alone: float, items: int, cut: float
) -> None:
    stages = [_stage(one, 0.2, alone, items) for one in (0.40, 0.26, 0.16, 0.11, 0.08, 0.05)]
    assert chosen(stages, features).cut == cut


def test_texts_are_joined_further_where_their_piles_then_stand_apart_more_clearly() -> None:
    stages = [_stage(0.20, 0.02, 0.0), _stage(0.08, 0.06, 0.0), _stage(0.06, 0.04, 0.0)]
    assert chosen(stages, 80).cut == 0.08


def test_of_no_or_one_item_there_is_nothing_to_join() -> None:
    assert list(joined([{}], 5)) == [0]
