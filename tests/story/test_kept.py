"""What is kept of a telling decides as the telling itself."""

from __future__ import annotations

import json
from datetime import date

import pytest

from watcher.story.candidates import choose
from watcher.story.fingerprint import Telling, fingerprint
from watcher.story.kept import MOST_KEPT, keep, recall
from watcher.story.same import Compared, Weights, compared

DEAL = Telling(
    id="1",
    title="Kestrel Bio licenses KB-210 to Northwind Pharma for $80 million",
    text="Kestrel Bio of Basel gives Northwind Pharma the rights to KB-210 outside China for $80 million upfront.",
    language="en",
    dated=date(2026, 3, 2),
    link="https://news.example/kestrel",
)
LATER = Telling(
    id="2",
    title="Northwind Pharma buys rights to kidney drug KB-210",
    text="Northwind Pharma pays Kestrel Bio $80 million at once for KB-210.",
    language="en",
    dated=date(2026, 3, 3),
)
CHINESE = Telling(id="3", title="Kestrel Bio以8000万美元授权KB-210", language="zh", dated=date(2026, 3, 3))
OTHER = Telling(id="4", title="Kestrel Bio licenses KB-377 to Onoda for $12 million", language="en")
BARE = Telling(id="6", text="Northwind Pharma gets KB-210 of Kestrel Bio.", language="en")
DIGEST = Telling(id="5", title="Week in review: Kestrel Bio licenses KB-210", language="en")


def _compared(told: Telling) -> Compared:
    return compared(fingerprint(told), Weights())


@pytest.mark.parametrize("told", [DEAL, LATER, CHINESE, OTHER, BARE, DIGEST])
def test_a_telling_that_comes_back_from_json_is_judged_as_before(told: Telling) -> None:
    kept = recall(json.loads(json.dumps(keep(_compared(DEAL)))))
    name, decision = choose(_compared(told), {"kept": [kept]})
    same_name, at_first = choose(_compared(told), {"kept": [_compared(DEAL)]})
    assert (name, decision.reason) == (same_name, at_first.reason)
    assert decision.score == pytest.approx(at_first.score, abs=1e-3)


def test_only_the_rare_words_of_a_long_text_are_kept() -> None:
    text = " ".join(f"word{number}" for number in range(900))
    kept = keep(_compared(Telling(id="l", title="Long", text=text)))
    assert len(kept["words"]) == MOST_KEPT
    assert len(json.dumps(kept)) < 8_000
