"""The pages of the rules: what each did and what was said of it, one with its text, examples, ledger and readers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from starlette.responses import Response

from watcher.errors import Mistake, Mistakes
from watcher.match.rule import Rule
from watcher.model import RuleStatus, SubscriptionConfig
from watcher.pipeline import ledger, rule_files, workbench
from watcher.pipeline.ledger import Precision, Standing
from watcher.pipeline.workbench import Draft, Note
from watcher.store import demotions, rule_activity, subscriptions, verdicts
from watcher.store.demotions import Demotion
from watcher.store.rule_activity import HABIT, MONTH, Activity, Beside
from watcher.store.verdicts import Entry, Ledger, Verdict
from watcher.web.console.desk import Desk, NotHere, Page

NEWEST = 20
READERS = 60
_LATE = 4.0
"""Silent for so many times its habit, a rule wants looking at."""
_QUIET_S = 86400.0
"""And for a day at least: nights and weekends are no trouble."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A rule as the list shows it."""

    rule: Rule
    file: str
    activity: Activity
    precision: Precision
    standing: Standing
    fallen: Demotion | None
    silent_s: float | None
    unusual: bool
    """Whether it is silent for much longer than is its habit."""

    @property
    def shadow(self) -> bool:
        return self.rule.status is RuleStatus.EXPERIMENTAL

    @property
    def dead(self) -> bool:
        return self.activity.month == 0


def rows(desk: Desk) -> list[Row]:
    """Every rule of the running version. Raises Mistakes where there are no good rules."""
    engine, own = desk.rt.rules.engine(), desk.rt.rules.own
    with desk.rt.database.read() as conn:
        did = rule_activity.activity(conn, now=desk.now)
        found = ledger.current(verdicts.entries(conn), own, engine.version)
        fallen = ledger.below(conn)
    return [
        _row(rule, did.get(rule.id, Activity()), found.get(rule.id, Ledger()), fallen.get(rule.id), desk.now)
        for rule in engine.rule_set.rules
    ]


def _row(rule: Rule, did: Activity, found: Ledger, fallen: Demotion | None, now: datetime) -> Row:
    silent_s = (now - did.last_at).total_seconds() if did.last_at else None
    late = silent_s is not None and did.habit_s is not None and silent_s > max(_QUIET_S, _LATE * did.habit_s)
    measured = ledger.precision(found)
    return Row(
        rule=rule,
        file=_file(rule),
        activity=did,
        precision=measured,
        standing=ledger.standing(measured, rule.floor, fallen=fallen is not None),
        fallen=fallen,
        silent_s=silent_s,
        unusual=late,
    )


def _file(rule: Rule) -> str:
    return rule.path.rpartition("/")[2]


def show(desk: Desk) -> Response:
    """All rules of the running version, and what is wrong with the files where they were refused."""
    try:
        found = rows(desk)
    except Mistakes:
        found = []
    told = desk.rt.rules.mistakes
    version = desk.rt.rules.engine().version if found else ""
    return desk.page(
        "rules.html.j2",
        "Rules",
        rows=found,
        mistakes=_shown(told.mistakes) if told else [],
        folder=desk.rt.rules.folder,
        version=version,
        days=HABIT.days,
    )


def _shown(mistakes: tuple[Mistake, ...]) -> list[tuple[str, Mistake]]:
    """Each with the name of its file alone before it."""
    return [(f"{one.path.rpartition('/')[2]}:{one.line}" if one.line else one.path, one) for one in mistakes]


# ── one rule ──


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """The verdicts on one version of a rule itself."""

    own_version: str
    present: bool
    first_at: datetime
    last_at: datetime
    versions: int
    precision: Precision


def one(desk: Desk) -> Response:
    """One rule. Raises NotHere."""
    rule = _asked(desk)
    since = desk.now - MONTH
    with desk.rt.database.read() as conn:
        did = rule_activity.activity(conn, now=desk.now).get(rule.id, Activity())
        entries = verdicts.entries(conn, rule_id=rule.id)
        fallen = next((one for one in demotions.listing(conn) if one.rule_id == rule.id), None)
        newest = rule_activity.newest(conn, rule.id, limit=NEWEST)
        readers = _readers(subscriptions.active(conn), rule.id)
        live = {
            one.id: one for one in desk.rt.rules.engine().rule_set.rules if one.status is not RuleStatus.EXPERIMENTAL
        }
        shadow = rule.status is RuleStatus.EXPERIMENTAL
        beside = rule_activity.beside(conn, rule.id, live, since=since) if shadow else []
        other = _other(desk, beside)
        only_shadow = rule_activity.apart(conn, rule.id, other.rule_id, since=since, limit=10) if other else []
        only_live = rule_activity.apart(conn, other.rule_id, rule.id, since=since, limit=10) if other else []
    engine = desk.rt.rules.engine()
    found = ledger.current(entries, desk.rt.rules.own, engine.version).get(rule.id, Ledger())
    row = _row(rule, did, found, fallen if fallen and fallen.ended_at is None else None, desk.now)
    return desk.page(
        "rule.html.j2",
        rule.title,
        row=row,
        rule=rule,
        text=desk.rt.rules.files.get(_file(rule), "").split("\n"),
        fallen=fallen,
        chapters=chapters(entries, desk.rt.rules.own.get(rule.id, "")),
        newest=newest,
        readers=readers[:READERS],
        more_readers=max(0, len(readers) - READERS),
        beside=beside,
        other=other,
        only_shadow=only_shadow,
        only_live=only_live,
        days=MONTH.days,
    )


def _asked(desk: Desk) -> Rule:
    rule = desk.rt.rules.engine().rule_set.rule(desk.path("id"))
    if rule is None:
        raise NotHere
    return rule


def _readers(active: list[SubscriptionConfig], rule_id: str) -> list[SubscriptionConfig]:
    return [one for one in active if not one.rules or rule_id in one.rules]


def _other(desk: Desk, beside: list[Beside]) -> Beside | None:
    """The live rule that a rule on trial is held against: the one asked for, else the one it agrees with most."""
    asked = desk.query("beside")
    return next((one for one in beside if one.rule_id == asked), beside[0] if beside else None)


def chapters(entries: list[Entry], own: str) -> list[Chapter]:
    """The ledger of one rule by what the rule was, newest first."""
    of: dict[str, list[Entry]] = {}
    for entry in entries:
        of.setdefault(entry.own_version, []).append(entry)
    found = [_chapter(version, told, own) for version, told in of.items()]
    return sorted(found, key=lambda one: one.last_at, reverse=True)


def _chapter(version: str, told: list[Entry], own: str) -> Chapter:
    words = {verdict.value: sum(one.number for one in told if one.verdict is verdict) for verdict in Verdict}
    return Chapter(
        own_version=version,
        present=version == own,
        first_at=min(one.first_at for one in told),
        last_at=max(one.last_at for one in told),
        versions=len({one.rules_version for one in told}),
        precision=ledger.precision(Ledger(**words)),
    )


def examples(desk: Desk) -> Response:
    """Runs the examples inside a rule, and says of each whether it holds. Raises NotHere."""
    rule = _asked(desk)
    name = _file(rule)
    draft = Draft(name=name, text=desk.rt.rules.files.get(name, ""))
    failures: dict[int, list[Note]] = {}
    for failure in workbench.check(desk.rt, draft).failures:
        failures.setdefault(failure.line, []).append(failure)
    return desk.page("rule_examples.html.j2", f"Examples of {rule.title}", rule=rule, failures=failures)


def download(desk: Desk) -> Response:
    """The file of a rule as it is now. Raises NotHere."""
    file = rule_files.opened(desk.rt, desk.path("id"))
    if file is None:
        raise NotHere
    return as_file(file.name, file.text)


def as_file(name: str, text: str) -> Response:
    """A rule file to be saved; `name` is made of letters, digits, dots and hyphens."""
    headers = {
        "content-disposition": f'attachment; filename="{name}"',
        "x-content-type-options": "nosniff",
        "content-security-policy": "default-src 'none'; sandbox",
    }
    return Response(text.encode("utf-8", "replace"), media_type="application/yaml; charset=utf-8", headers=headers)


PAGES = (
    Page(path="/rules", show=show),
    Page(path="/rules/{id}", show=one),
    Page(path="/rules/{id}/examples", show=examples),
    Page(path="/rules/{id}/file", show=download),
)
