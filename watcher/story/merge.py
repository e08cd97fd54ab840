"""What an event tells when one more item tells it: facts and evidence joined, and what of it is a revision.

Pure. What counts as the same story was decided before; who hears of a revision is decided after. The rules:

- Facts that are missing are filled in. That is no revision, except for the event's amount: readers ask for it first.
- A different amount from a newer item, or from one that says that it corrects, is a revision. From the same time it is
  a contradiction: the first value stands and the other is kept beside it.
- A stage that goes forward is a revision, one that goes back is an item that knows less.
- An item that is read again replaces what was read from it.
- Names and lists of the first telling stand; a second way of writing a name is no news.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from watcher import wording
from watcher.model import Change, ChangeWhy, Fact, FactKind, OtherValue, Snippet
from watcher.story.agree import ENDINGS, agree, comparable, stage_goes_on

MOST_SNIPPETS = 5
MOST_OTHERS = 4
SAME_TIME = timedelta(hours=6)
"""Items published within this of each other tell at the same time: outlets copy one wire report for hours."""
STAGE = "stage"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldBy:
    """Who tells: the item, its time, and how its word counts against what is known."""

    item_id: int
    told_at: datetime
    corrects: bool = False
    """The item says of itself that it corrects an earlier report."""
    quiet: bool = False
    """It is only read again with other rules: facts are rewritten, and nobody is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """The event's facts and evidence after another telling, and what of it its readers should hear."""

    facts: Mapping[str, Fact]
    snippets: tuple[Snippet, ...]
    changes: tuple[Change, ...]
    changed: bool
    """Something differs from what is stored, so that the row must be written."""

    @property
    def revised(self) -> bool:
        return bool(self.changes)


def told_by(facts: Mapping[str, Fact], teller: ToldBy) -> dict[str, Fact]:
    """The facts of a match as facts of an event: each with its item and time."""
    return {
        name: dataclasses.replace(fact, item_id=teller.item_id, told_at=teller.told_at) for name, fact in facts.items()
    }


def merge(
    known: Mapping[str, Fact],
    snippets: Sequence[Snippet],
    new: Mapping[str, Fact],
    more: Sequence[Snippet],
    teller: ToldBy,
) -> Merged:
    """Join one more telling (`new`, `more`) to an event; `known` and the result carry items and times."""
    facts, changes = dict(known), []
    for name, fact in told_by(new, teller).items():
        if name not in known:
            facts[name] = fact
            if fact.kind is FactKind.MONEY and not _has_amount(known):
                changes.append(_change(None, fact, ChangeWhy.NOW_KNOWN))
            continue
        facts[name], why = _joined(known[name], fact, teller)
        if why:
            changes.append(_change(known[name], fact, why))
    return _merged(known, snippets, facts, more, () if teller.quiet else changes)


def end(
    known: Mapping[str, Fact], snippets: Sequence[Snippet], stage: Fact, more: Sequence[Snippet], teller: ToldBy
) -> Merged:
    """Let an item end the event: its stage becomes that of `stage`. An item older than what is known ends nothing."""
    last = max((fact.told_at for fact in known.values() if fact.told_at), default=teller.told_at)
    before = known.get(STAGE)
    if teller.told_at + SAME_TIME < last or (before and before.value == stage.value):
        return _merged(known, snippets, known, (), ())
    after = told_by({STAGE: stage}, teller)[STAGE]
    changes = () if teller.quiet else (_change(before, after, ChangeWhy.ENDED),)
    return _merged(known, snippets, {**known, STAGE: after}, more, changes)


def since(changes: Sequence[Change]) -> tuple[Change, ...]:
    """The changes of several revisions, oldest first, as one: the first `before` and the last `after` of each fact."""
    joined: dict[str, Change] = {}
    for change in changes:
        first = joined.get(change.fact)
        joined[change.fact] = dataclasses.replace(change, before=first.before) if first else change
    return tuple(change for change in joined.values() if change.before != change.after)


def _merged(
    known: Mapping[str, Fact],
    snippets: Sequence[Snippet],
    facts: Mapping[str, Fact],
    more: Sequence[Snippet],
    changes: Sequence[Change],
) -> Merged:
    # the sentences that tell a change come first: a reader of the update looks for them
    ordered = [*more, *snippets] if changes else [*snippets, *more]
    kept = tuple(dict.fromkeys(ordered))[:MOST_SNIPPETS]
    changed = dict(facts) != dict(known) or kept != tuple(snippets)
    return Merged(facts=facts, snippets=kept, changes=tuple(changes), changed=changed)


def _has_amount(facts: Mapping[str, Fact]) -> bool:
    return any(fact.kind is FactKind.MONEY for fact in facts.values())


def _change(before: Fact | None, after: Fact, why: ChangeWhy) -> Change:
    return Change(
        fact=after.name,
        before=", ".join(wording.short_values(before)) if before else "",
        after=", ".join(wording.short_values(after)),
        why=why,
    )


def _joined(known: Fact, new: Fact, teller: ToldBy) -> tuple[Fact, ChangeWhy | None]:
    """The fact after the new telling, and the reason when that is a revision."""
    known = _without(known, teller.item_id)
    if known.item_id == teller.item_id and known.item_id is not None:
        kept = dataclasses.replace(new, others=known.others)
        return kept, None if agree(known, new) or not _tells(new) else ChangeWhy.READ_AGAIN
    if agree(known, new):
        return known, None
    if not _tells(new) or not comparable(known, new):
        return _beside(known, new, teller), None
    newer = _is_newer(known, teller)
    if new.name == STAGE:
        onward = stage_goes_on(str(known.value), str(new.value))
        # what is over starts anew only by later news, not by one more copy of the old ones
        late = newer if known.value in ENDINGS else not _is_older(known, teller)
        return (new, ChangeWhy.MOVED_ON) if onward and late else (known, None)
    if newer or (teller.corrects and not _is_older(known, teller)):
        others = tuple(other for other in known.others if not agree(_as_fact(known, other), new))
        why = ChangeWhy.CORRECTED if teller.corrects else ChangeWhy.NEWER
        return dataclasses.replace(new, others=others), why
    return _beside(known, new, teller), None


def _without(known: Fact, item_id: int) -> Fact:
    """The fact without what this item told beside it before: it tells anew."""
    if all(other.item_id != item_id for other in known.others):
        return known
    return dataclasses.replace(known, others=tuple(other for other in known.others if other.item_id != item_id))


def _tells(fact: Fact) -> bool:
    """Whether a changed value of this fact is news: amounts and the stage are, ways of writing names are not."""
    return fact.kind is FactKind.MONEY or fact.name == STAGE


def _is_newer(known: Fact, teller: ToldBy) -> bool:
    return known.told_at is None or teller.told_at > known.told_at + SAME_TIME


def _is_older(known: Fact, teller: ToldBy) -> bool:
    return known.told_at is not None and teller.told_at + SAME_TIME < known.told_at


def _beside(known: Fact, new: Fact, teller: ToldBy) -> Fact:
    """The known fact with the other value beside it, if it is a single value of the same time not kept yet."""
    if isinstance(new.value, bool | tuple) or _is_older(known, teller) or _is_newer(known, teller):
        return known
    if any(agree(_as_fact(known, other), new) for other in known.others) or len(known.others) >= MOST_OTHERS:
        return known
    other = OtherValue(
        value=new.value,
        text=new.text,
        item_id=new.item_id,
        high=new.high,
        currency=new.currency,
        bound=new.bound,
        usd=new.usd,
        rate_date=new.rate_date,
    )
    return dataclasses.replace(known, others=(*known.others, other))


def _as_fact(known: Fact, other: OtherValue) -> Fact:
    return Fact(
        name=known.name,
        kind=known.kind,
        value=other.value,
        high=other.high,
        currency=other.currency,
        bound=other.bound,
        usd=other.usd,
    )
