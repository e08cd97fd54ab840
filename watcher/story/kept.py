"""What is kept of a telling that stands for its story, as JSON: all that a decision reads and none of the text.

Words are kept as weighed when the telling came, the rare ones only; what they weigh later is left aside, as it is for
stories in memory.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from datetime import date
from functools import partial
from typing import Any

from watcher.model import MoneyRole
from watcher.story.facts import Facts
from watcher.story.fingerprint import Fingerprint, Telling
from watcher.story.same import Compared

MOST_KEPT = 160
"""Features of one kind that are kept, those that weigh most."""


def keep(one: Compared) -> dict[str, Any]:
    """The telling as JSON, facts included: they are read now unless they were before."""
    told, known = one.print, one.facts
    return {
        "title": told.telling.title,
        "normal": told.title,
        "page": told.page,
        "body": told.body,
        "language": told.language,
        "dated": told.telling.dated.isoformat() if told.telling.dated else None,
        "roundup": told.roundup,
        "short": told.short,
        "codes": sorted(told.codes),
        "words": _most(one.words),
        "neutral": _most(one.neutral),
        "facts": {
            "codes": sorted(known.codes),
            "parties": sorted(known.parties),
            "heads": sorted(known.heads),
            "places": sorted(known.places),
            "amounts": {role.value: usd for role, usd in known.amounts.items()},
            "rounded": sorted(known.rounded),
        },
    }


def recall(kept: Mapping[str, Any]) -> Compared:
    """The telling that `keep` gave, without its text."""
    dated = kept["dated"]
    told = Fingerprint(
        telling=Telling(id="", title=kept["title"], dated=date.fromisoformat(dated) if dated else None),
        title=kept["normal"],
        page=kept["page"],
        body=kept["body"],
        words={},
        neutral={},
        language=kept["language"],
        roundup=kept["roundup"],
        short=kept["short"],
        codes=frozenset(kept["codes"]),
    )
    return Compared(told, kept["words"], kept["neutral"], partial(_facts, kept["facts"]))


def _facts(known: Mapping[str, Any]) -> Facts:
    return Facts(
        codes=frozenset(known["codes"]),
        parties=frozenset(known["parties"]),
        heads=frozenset(known["heads"]),
        places=frozenset(known["places"]),
        amounts={MoneyRole(role): usd for role, usd in known["amounts"].items()},
        rounded=frozenset(known["rounded"]),
    )


def _most(weighed: Mapping[str, float]) -> dict[str, float]:
    best = heapq.nlargest(MOST_KEPT, weighed.items(), key=lambda pair: pair[1])
    return {feature: round(value, 4) for feature, value in best}
