"""What happens in the benchmark: rounds of funding of invented companies, and digests that tell of deals."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

from watcher.digest.sample import samples
from watcher.model import AlertView, DigestView, ItemDraft

_SYLLABLES = "ba ko ri ten mar lus vo dan per shi go nel ta fur wen os il cra mon dy zu hal qui bry".split()
_ILLS = "psoriasis|kidney disease|solid tumours|lupus|obesity|asthma|sepsis|glaucoma|gout|myeloma|anaemia|eczema"
_TOWNS = "Boston|Basel|Shanghai|Suzhou|Seoul|Munich|Lyon|Madrid|Osaka|Cambridge|San Diego|Chongqing|Milan|Leuven"


def rounds(seed: int = 5) -> Iterator[ItemDraft]:
    """One round of funding after another, each of a company of its own and so a story of its own."""
    chance = random.Random(seed)
    number = 0
    while True:
        number += 1
        yield _round(number, chance)


def _round(number: int, chance: random.Random) -> ItemDraft:
    def name() -> str:
        return "".join(chance.choices(_SYLLABLES, k=4)).title()

    maker, fund, amount = f"{name()} Therapeutics", f"{name()} Ventures", chance.randint(5, 400)
    ill, town = chance.choice(_ILLS.split("|")), chance.choice(_TOWNS.split("|"))
    return ItemDraft(
        identity=str(number),
        alias=str(number),
        link=f"https://news.example/{number}",
        title=f"{maker} raises ${amount} million to treat {ill}",
        summary="",
        text=f"{town}-based {maker} raised ${amount} million in a Series A round led by {fund}. The proceeds pay for a"
        f" first trial in patients with {ill}, the company said on Monday.",
        author="",
        language="en",
        categories=(),
        published_at=datetime.now(UTC),
        updated_at=None,
        content_hash=str(number),
    )


def digest(events: int) -> DigestView:
    """A digest of so many deals, each with six facts, a marked sentence and two sources."""
    whole = samples()[0]
    deal = whole.alerts[1]

    def numbered(number: int) -> AlertView:
        return replace(
            deal,
            alert_id=number,
            event=replace(
                deal.event, id=number, title=f"{deal.event.title}, part {number}", sources=deal.event.sources[:2]
            ),
        )

    return replace(whole, alerts=tuple(numbered(number) for number in range(1, events + 1)), left_out=(), notes=())
