"""The precision of each rule by what people said of its events, and what happens to a rule below its floor.

Only verdicts on what the rule is now count: a rule that was changed begins anew. Nothing is concluded from few of them,
nor while the 95 % interval (Wilson) reaches up to the floor. What is sent when is left to `alert` and `digest.timing`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from watcher import log
from watcher.match.rule import BelowFloor, Floor, Rule
from watcher.match.score import wilson
from watcher.model import Notice
from watcher.runtime import RuleBook, Runtime
from watcher.store import Connection, demotions, digests, overview, verdicts
from watcher.store.demotions import Demotion
from watcher.store.verdicts import Entry, Ledger

_log = log.get("ledger")
_LOOK_EVERY = timedelta(minutes=10)


class Standing(StrEnum):
    """Where a rule stands against its floor, and why."""

    NO_FLOOR = "no_floor"
    TOO_FEW = "too_few_verdicts"
    HOLDS = "holds"
    BELOW = "below"


@dataclass(frozen=True, slots=True, kw_only=True)
class Precision:
    """What the verdicts say of a rule: the share that was right, and between which two it lies."""

    ledger: Ledger
    share: float | None
    """None without a verdict."""
    low: float
    high: float

    @property
    def told(self) -> str:
        """`0.40 [0.20, 0.64] of 15 verdicts`; a dash without one."""
        if self.share is None:
            return "–"
        plural = "" if self.ledger.judged == 1 else "s"
        return f"{self.share:.2f} [{self.low:.2f}, {self.high:.2f}] of {self.ledger.judged} verdict{plural}"


def precision(ledger: Ledger) -> Precision:
    """The share of a ledger's verdicts that were right, with Wilson's 95 % interval."""
    low, high = wilson(ledger.right, ledger.judged)
    share = ledger.right / ledger.judged if ledger.judged else None
    return Precision(ledger=ledger, share=share, low=low, high=high)


def standing(found: Precision, floor: Floor | None, *, fallen: bool) -> Standing:
    """Pure: where a rule stands; `fallen` is whether it was below its floor at the last look.

    It falls when even the upper end of the interval is below the floor, and rises again when the share itself is not:
    between the two it stays what it was, so that single verdicts do not move it to and fro.
    """
    if floor is None:
        return Standing.NO_FLOOR
    if found.share is None or found.ledger.judged < floor.verdicts:
        return Standing.TOO_FEW
    if found.high < floor.precision or (fallen and found.share < floor.precision):
        return Standing.BELOW
    return Standing.HOLDS


def current(entries: Iterable[Entry], own: Mapping[str, str], version: str) -> dict[str, Ledger]:
    """By rule, the verdicts on what it is now. `own`: the own versions in force, of the rules of that version."""
    counts: dict[str, dict[str, int]] = {}
    for one in entries:
        if one.own_version == own.get(one.rule_id) or one.rules_version == version:
            words = counts.setdefault(one.rule_id, {})
            words[one.verdict.value] = words.get(one.verdict.value, 0) + one.number
    return {rule_id: Ledger(**words) for rule_id, words in counts.items()}


def below(conn: Connection) -> dict[str, Demotion]:
    """The rules that are below their floor now, by their id: what pages and metrics show."""
    return demotions.below(conn)


def digested(conn: Connection, rules: RuleBook, rule_id: str) -> Demotion | None:
    """The fall for which events of the rule are told once a day instead of at once; None when they are not."""
    rule = rules.engine().rule_set.rule(rule_id)
    if rule is None or rule.floor is None or rule.floor.below is not BelowFloor.DIGEST:
        return None
    fallen = demotions.below(conn).get(rule_id)
    return fallen if fallen is not None and fallen.own_version == rules.own.get(rule_id) else None


def look(rt: Runtime) -> None:
    """`check_floors`, when the last look is ten minutes ago."""
    now = rt.clock()
    with rt.database.read() as conn:
        last = overview.beat_at(conn, "floors")
    if last is None or now - last >= _LOOK_EVERY:
        check_floors(rt)


def check_floors(rt: Runtime) -> None:
    """See where every rule stands: tell `ops:` once of each that falls, and note which have risen or were changed.

    Raises Mistakes where there are no good rules.
    """
    engine = rt.rules.engine()
    now, own = rt.clock(), rt.rules.own
    floors = {rule.id: rule for rule in engine.rule_set.rules if rule.floor is not None}
    with rt.database.write() as conn:
        overview.record_beat(conn, "floors", now=now)
        fallen = demotions.below(conn)
        for rule_id, one in fallen.items():
            if rule_id not in floors or one.own_version != own.get(rule_id):
                demotions.rise(conn, rule_id, now=now)
        ledgers = current(verdicts.entries(conn), own, engine.version) if floors else {}
        for rule_id, rule in floors.items():
            was = fallen.get(rule_id)
            still = was if was is not None and was.own_version == own.get(rule_id) else None
            found = precision(ledgers.get(rule_id, Ledger()))
            _settle(conn, rule, found, still, own[rule_id], now)


def _settle(
    conn: Connection, rule: Rule, found: Precision, fallen: Demotion | None, own_version: str, now: datetime
) -> None:
    stands = standing(found, rule.floor, fallen=fallen is not None)
    if fallen is None and stands is Standing.BELOW:
        assert rule.floor is not None  # without a floor nothing is below it
        reason = f"precision {found.told}, its floor is {rule.floor.precision:.2f}"
        demotions.fall(conn, rule.id, own_version=own_version, reason=reason, now=now)
        digests.add_notice(conn, f"floor:{rule.id}:{now:%Y-%m-%dT%H:%M:%S}", _notice(rule, reason), now=now)
        _log.warning("a rule fell below its floor", rule=rule.id, why=reason)
    elif fallen is not None and stands is not Standing.BELOW:
        demotions.rise(conn, rule.id, now=now)
        _log.info("a rule is above its floor again", rule=rule.id, why=found.told)


def _notice(rule: Rule, reason: str) -> Notice:
    moved = rule.floor is not None and rule.floor.below is BelowFloor.DIGEST
    what = "What it would tell at once comes once a day until then." if moved else "It goes on as before."
    lines = (
        f"{rule.title} ({rule.id}): {reason}.",
        f"{what} `watcher rules verdicts export --rule {rule.id}` makes examples of what was judged.",
    )
    return Notice(subject=f"The rule {rule.id} is wrong too often", lines=lines)
