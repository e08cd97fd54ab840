"""What the rules in force are called, as a row: for processes that show rules and need not read all their files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from watcher import wire
from watcher.model import Language, RuleStatus
from watcher.runtime import Runtime
from watcher.store import Connection, overview

_KEPT_AS, _KEPT_WITH = "rule_names", "rule_names_of"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleName:
    """One rule as people see it."""

    id: str
    title: str
    titles: Mapping[Language, str] = field(default_factory=dict)
    trial: bool = False
    """Recorded, and never sent."""

    def of(self, language: Language) -> str:
        return self.titles.get(language, self.title)


def keep(rt: Runtime) -> None:
    """Write the names of the rules in force where they are not written yet. Raises Mistakes when there are no rules."""
    rule_set = rt.rules.engine().rule_set
    with rt.database.read() as conn:
        known = overview.remembered(conn, _KEPT_WITH)
    if known == rule_set.version:
        return
    names = [
        RuleName(id=rule.id, title=rule.title, titles=rule.titles, trial=rule.status is RuleStatus.EXPERIMENTAL)
        for rule in rule_set.rules
    ]
    with rt.database.write() as conn:
        overview.remember(conn, _KEPT_AS, [wire.dump(one) for one in names])
        overview.remember(conn, _KEPT_WITH, rule_set.version)


def known(conn: Connection) -> tuple[RuleName, ...]:
    """The rules in force, in their order; none before a worker has read them."""
    return tuple(wire.load(RuleName, one) for one in overview.remembered(conn, _KEPT_AS) or ())
