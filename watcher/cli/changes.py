"""How `rules diff`, `backtest` and `apply` show what changed on items, and when that is more than was allowed."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any, NamedTuple

import typer
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from watcher import wording
from watcher.cli.session import output
from watcher.match.compare import Change, Outcome
from watcher.match.diff import RuleChange

MaxNew = Annotated[int | None, typer.Option(min=0, help="So many new matches are well; more end with status 3.")]
MaxLost = Annotated[int | None, typer.Option(min=0, help="So many lost matches are well; more end with status 3.")]
_SIGNS = {
    Change.NEW: ("+", "green"),
    Change.LOST: ("−", "red"),
    Change.FACTS: ("~", "yellow"),
    Change.KEPT: ("=", "dim"),
}


class Limits(NamedTuple):
    """How many matches may come and go before the command ends with status 3; without either, none."""

    max_new: int | None
    max_lost: int | None

    @property
    def given(self) -> bool:
        return self.max_new is not None or self.max_lost is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One rule on one item that came out otherwise."""

    id: str
    title: str
    rule: str
    change: Change
    decided: str


@dataclass(slots=True, kw_only=True)
class Tally:
    """Outcomes as they come: counted all, kept as far as they changed, `limit` of each rule and kind."""

    limit: int | None
    items: int = 0
    counts: Counter[tuple[str, Change]] = field(default_factory=Counter)
    rows: list[Row] = field(default_factory=list)

    def add(self, item_id: str, title: str, outcome: Outcome) -> None:
        """Count an outcome; keep it when it is a change and there is room."""
        key = (outcome.rule_id, outcome.change)
        self.counts[key] += 1
        if outcome.change is Change.KEPT or (self.limit is not None and self.counts[key] > self.limit):
            return
        told = wording.one_line(title, 100)
        self.rows.append(
            Row(id=item_id, title=told, rule=outcome.rule_id, change=outcome.change, decided=outcome.decided)
        )

    def has_room(self, rule_id: str) -> bool:
        """Whether another lost match of the rule would still be shown."""
        return self.limit is None or self.counts[rule_id, Change.LOST] < self.limit

    def total(self, change: Change) -> int:
        return sum(number for (_, kind), number in self.counts.items() if kind is change)

    def exceeds(self, limits: Limits) -> bool:
        """Whether more matches came or went than allowed; without limits, whether anything changed at all."""
        new, lost = self.total(Change.NEW), self.total(Change.LOST)
        if not limits.given:
            return bool(new or lost or self.total(Change.FACTS))
        too_many = limits.max_new is not None and new > limits.max_new
        return too_many or (limits.max_lost is not None and lost > limits.max_lost)

    @property
    def rules(self) -> list[str]:
        return sorted({rule_id for rule_id, _ in self.counts})

    def row(self) -> dict[str, Any]:
        """The JSON form: counts by rule, and the items that came out otherwise."""
        counts = {rule_id: {str(change): self.counts[rule_id, change] for change in Change} for rule_id in self.rules}
        return {"items": self.items, "counts": counts, "changes": [asdict(row) for row in self.rows]}

    def print(self, *, items: bool = True) -> None:
        """The counts by rule on the terminal, and with `items` each item that came out otherwise."""
        console = output()
        if not self.counts:
            console.print(f"{self.items} items: no changed rule matches any of them")
        for rule_id in self.rules:
            told = Text(f"{rule_id}: ", "bold")
            for change, words in ((Change.NEW, "new"), (Change.LOST, "lost"), (Change.FACTS, "with other facts")):
                number = self.counts[rule_id, change]
                told.append(f"{_SIGNS[change][0]}{number} {words}  ", _SIGNS[change][1] if number else "dim")
            told.append(f"{self.counts[rule_id, Change.KEPT]} kept", "dim").append(f"  of {self.items} items", "dim")
            console.print(told)
            for row in self.rows if items else ():
                if row.rule == rule_id:
                    _print_row(console, row)
            self._print_rest(console, rule_id, items)

    def _print_rest(self, console: Console, rule_id: str, items: bool) -> None:
        for change in (Change.NEW, Change.LOST, Change.FACTS):
            rest = self.counts[rule_id, change] - (self.limit or 0)
            if items and self.limit is not None and rest > 0:
                console.print(Text(f"  and {rest} more {change}: --json tells them all", "dim"))


def _print_row(console: Console, row: Row) -> None:
    sign, style = _SIGNS[row.change]
    console.print(
        Padding(Text.assemble((f"{sign} ", style), (f"{row.id}  ", "dim"), row.title), (0, 0, 0, 2), expand=False)
    )
    console.print(Padding(Text(row.decided, "dim"), (0, 0, 0, 6), expand=False))


def told_change(change: RuleChange, *, most: int | None = None) -> None:
    """How one rule differs, on the terminal, in `most` lines."""
    console = output()
    console.print(Text.assemble((change.rule_id, "bold"), f" {change.kind}"))
    for line in change.what[:most]:
        console.print(Padding(Text(line), (0, 0, 0, 2), expand=False))
    if most is not None and len(change.what) > most:
        console.print(Text(f"  and {len(change.what) - most} more: `watcher rules diff` tells them", "dim"))
