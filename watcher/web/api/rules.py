"""Rules: what runs, what each did and what people said of it; drafts checked and tried on stored items."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from watcher.match.compare import Change
from watcher.match.rule import BelowFloor, Rule
from watcher.model import FactKind, Level, RuleStatus
from watcher.pipeline import ledger, rule_files, workbench
from watcher.pipeline.ledger import Standing
from watcher.pipeline.preview import messages
from watcher.pipeline.workbench import Checked, Draft, Run, Runs, State
from watcher.store import demotions, rule_activity, verdicts
from watcher.store.demotions import Demotion
from watcher.store.rule_activity import Activity
from watcher.store.verdicts import Ledger
from watcher.web.api.frame import Call, Made, found
from watcher.web.api.operation import Document, Nothing, Operation
from watcher.web.api.problem import Kind, Problem, Wrong
from watcher.web.api.values import Answer, Asked, Instant, NamedList, Page, Word, line
from watcher.web.operator import Scope

_YAML = "application/yaml"
FileName = Annotated[str, Field(pattern="^[a-z][a-z0-9-]*\\.ya?ml$", max_length=84)]
FileText = Annotated[str, Field(max_length=65_536, pattern="^[^\\u0000]*$")]


class Floor(Answer):
    """The least precision that the rule may have, after so many verdicts, and what happens below it."""

    precision: float
    verdicts: int
    below: BelowFloor


class RulePrecision(Answer):
    """What people said of its events as the rule is now; the interval is Wilson's, 95 %."""

    useful: int
    not_useful: int
    wrong_facts: int
    share: float | None
    low: float
    high: float
    standing: Standing
    floor: Floor | None
    below_since: Instant | None


class RuleFact(Answer):
    """A fact that its events tell."""

    name: str
    kind: FactKind


class RuleRow(Answer):
    """A rule that runs."""

    id: str
    title: str
    level: Level
    status: RuleStatus = Field(description="`experimental`: recorded, and never sent.")
    tags: list[str]
    params: dict[str, Any]
    facts: list[RuleFact]
    tests: int = Field(description="Examples inside it.")
    exceptions: int
    file: str
    fired_day: int
    fired_month: int
    last_fired_at: Instant | None
    habit_s: float | None = Field(description="Mean time between two of its events.")
    precision: RulePrecision


class RuleAsked(Asked):
    rule_id: Word


class DraftText(Asked):
    """The text of a rule file that is being written."""

    name: FileName = Field(description="The file's name in the rules folder.")
    text: FileText


class DraftNote(Answer):
    """Something to say of a line; line 0 means all of it."""

    line: int
    message: str
    instead: str


class DraftChecked(Answer):
    """What a draft comes to."""

    mistakes: list[DraftNote]
    failures: list[DraftNote] = Field(description="Examples inside it that come out otherwise.")
    differs: list[str] = Field(description="How its rule differs from the one that runs.")
    rule_id: str | None
    tests: int


class DraftTrial(DraftText):
    """A draft to be tried."""

    days: Annotated[int, Field(ge=1, le=365)] = Field(30, description="On the items first seen in so many days.")


class TrialRow(Answer):
    """What became of one rule on one item, and by which clause."""

    item_id: int
    title: str
    feed: str
    seen_at: Instant
    rule_id: str
    change: Change
    decided: str


class MoreOrLess(Answer):
    """Messages of their own, and entries in digests, that a channel would have had more or less."""

    channel_id: str
    messages: int
    entries: int


class Trial(Answer):
    """A draft on stored items, as far as it is."""

    id: str
    name: str
    days: int
    by: str
    started_at: Instant
    state: State
    why: str
    total: int
    seen: int
    took_s: float
    new: int
    lost: int
    facts: int = Field(description="Matches that tell other facts.")
    kept: int
    rows: list[TrialRow] = Field(description=f"The first {workbench.SHOWN} of each rule and kind.")
    more: list[MoreOrLess]
    less: list[MoreOrLess]


class TrialAsked(Asked):
    run_id: Annotated[str, Field(pattern="^[0-9a-f]{16}$", min_length=16, max_length=16)]


class NewText(Asked):
    """The whole text that the file shall have."""

    text: FileText
    was: Annotated[str, Field(pattern="^[0-9a-f]{64}$", min_length=64, max_length=64)] = Field(
        description="SHA-256 in hex of the text that it was made of: another one is there, and nothing is written."
    )


class WrittenText(Answer):
    """What stands there now."""

    digest: str


def listing(call: Call, asked: NamedList) -> Page[RuleRow]:
    """Rules by id."""
    rules = sorted(call.rt.rules.engine().rule_set.rules, key=lambda one: one.id)
    rules = [one for one in rules if asked.cursor is None or one.id > asked.cursor][: asked.limit + 1]
    rows = [{"id": one.id, "it": one} for one in _rows(call, rules)]
    return call.page(rows, limit=asked.limit, show=lambda row: row["it"])


def one_rule(call: Call, asked: RuleAsked) -> RuleRow:
    """The rule."""
    rule = found(call.rt.rules.engine().rule_set.rule(asked.rule_id), f"rule {asked.rule_id}")
    return _rows(call, [rule])[0]


def file(call: Call, asked: RuleAsked) -> bytes:
    """The file as it is on disk."""
    opened = found(rule_files.opened(call.rt, asked.rule_id), f"rule {asked.rule_id}")
    return opened.text.encode()


def write(call: Call, asked: RuleAsked, body: NewText) -> WrittenText:
    """Checked first with the whole folder; only where WATCHER_RULES_WRITABLE is set."""
    opened = found(rule_files.opened(call.rt, asked.rule_id), f"rule {asked.rule_id}")
    written = rule_files.write(call.rt, Draft(name=opened.name, text=body.text), was=body.was)
    with call.rt.database.write() as conn:
        call.note(conn, "rules.write", opened.name, digest=written.digest)
    return WrittenText(digest=written.digest)


def check(call: Call, _asked: Nothing, body: DraftText) -> DraftChecked:
    """All mistakes at once, each with its line."""
    checked = workbench.check(call.rt, Draft(name=body.name, text=body.text))
    return DraftChecked(
        mistakes=_notes(checked.mistakes),
        failures=_notes(checked.failures),
        differs=list(checked.differs),
        rule_id=checked.rule_id or None,
        tests=checked.tests,
    )


def start(call: Call, _asked: Nothing, body: DraftTrial) -> Made:
    """Begin a trial in the background; one goes at a time. Nothing is stored or sent."""
    draft = Draft(name=body.name, text=body.text)
    _refuse(workbench.check(call.rt, draft))
    run = _runs(call).start(call.rt, draft, days=body.days, by=call.operator.name)
    with call.rt.database.write() as conn:
        call.note(conn, "drafts.try", draft.name, days=body.days)
    return Made(value=_trial(run), path=f"/drafts/runs/{run.id}", new=True)


def _refuse(checked: Checked) -> None:
    if checked.mistakes:
        wrong = [Wrong(detail=f"line {one.line}: {one.message}", pointer="#/text") for one in checked.mistakes]
        raise Problem(Kind.INVALID, "The draft has mistakes.", wrong=wrong)


def trial(call: Call, asked: TrialAsked) -> Trial:
    """How far it is, and what it found; the last few trials of a process are kept."""
    return _trial(found(_runs(call).get(asked.run_id), f"trial {asked.run_id}"))


def stop(call: Call, asked: TrialAsked) -> None:
    """Look at no more items; what was found stays."""
    found(_runs(call).get(asked.run_id), f"trial {asked.run_id}").stop.set()


def _runs(call: Call) -> Runs:
    """Those of this process, the workbench's among them: one goes at a time."""
    kept: Runs = call.request.app.state.runs
    return kept


def _notes(notes: tuple[workbench.Note, ...]) -> list[DraftNote]:
    return [DraftNote(line=one.line, message=one.message, instead=one.instead) for one in notes]


def _trial(run: Run) -> Trial:
    return Trial(
        id=run.id,
        name=run.draft.name,
        days=run.days,
        by=run.by,
        started_at=run.started_at,
        state=run.state,
        why=run.why,
        total=run.total,
        seen=run.seen,
        took_s=round(run.took_s, 3),
        new=run.count(Change.NEW),
        lost=run.count(Change.LOST),
        facts=run.count(Change.FACTS),
        kept=run.count(Change.KEPT),
        rows=[
            TrialRow(
                item_id=one.item_id,
                title=line(one.title),
                feed=line(one.feed),
                seen_at=one.seen_at,
                rule_id=one.rule_id,
                change=one.change,
                decided=one.decided,
            )
            for one in list(run.rows)
        ],
        more=_told(messages(run.preview.more)) if run.preview else [],
        less=_told(messages(run.preview.less)) if run.preview else [],
    )


def _told(by_channel: Mapping[str, Mapping[str, int]]) -> list[MoreOrLess]:
    return [
        MoreOrLess(channel_id=name, messages=one.get("messages", 0), entries=one.get("entries", 0))
        for name, one in sorted(by_channel.items())
    ]


def _rows(call: Call, rules: list[Rule]) -> list[RuleRow]:
    book = call.rt.rules
    with call.rt.database.read() as conn:
        did = rule_activity.activity(conn, now=call.now)
        said = ledger.current(verdicts.entries(conn), book.own, book.engine().version)
        fallen = demotions.below(conn)
    return [
        _row(rule, did.get(rule.id, Activity()), said.get(rule.id, Ledger()), fallen.get(rule.id)) for rule in rules
    ]


def _row(rule: Rule, did: Activity, said: Ledger, fallen: Demotion | None) -> RuleRow:
    return RuleRow(
        id=rule.id,
        title=rule.title,
        level=rule.level,
        status=rule.status,
        tags=list(rule.tags),
        params={name: _plain(value) for name, value in rule.params.items()},
        facts=[RuleFact(name=one.name, kind=one.kind) for one in rule.facts],
        tests=len(rule.tests),
        exceptions=len(rule.exceptions),
        file=rule.path.rpartition("/")[2],
        fired_day=did.day,
        fired_month=did.month,
        last_fired_at=did.last_at,
        habit_s=did.habit_s,
        precision=_precision(rule, said, fallen),
    )


def _precision(rule: Rule, said: Ledger, fallen: Demotion | None) -> RulePrecision:
    told, floor = ledger.precision(said), rule.floor
    return RulePrecision(
        useful=said.useful,
        not_useful=said.not_useful,
        wrong_facts=said.wrong_facts,
        share=told.share,
        low=told.low,
        high=told.high,
        standing=ledger.standing(told, floor, fallen=fallen is not None),
        floor=Floor(precision=floor.precision, verdicts=floor.verdicts, below=floor.below) if floor else None,
        below_since=fallen.since if fallen else None,
    )


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


OPERATIONS = (
    Operation(
        name="list_rules",
        method="GET",
        path="/rules",
        summary="The rules that run, what each did and how precise it is.",
        act=listing,
        asked=NamedList,
        answer=Page[RuleRow],
    ),
    Operation(
        name="get_rule",
        method="GET",
        path="/rules/{rule_id}",
        summary="One rule.",
        act=one_rule,
        asked=RuleAsked,
        answer=RuleRow,
    ),
    Operation(
        name="get_rule_file",
        method="GET",
        path="/rules/{rule_id}/file",
        summary="The rule's file.",
        act=file,
        asked=RuleAsked,
        answer=Document(media_type=_YAML, about="A rule file."),
        problems=(Kind.CONFLICT,),
    ),
    Operation(
        name="put_rule_file",
        method="PUT",
        path="/rules/{rule_id}/file",
        summary="Write the rule's file, where a setting allows it.",
        act=write,
        scope=Scope.OPERATE,
        asked=RuleAsked,
        body=NewText,
        answer=WrittenText,
        problems=(Kind.CONFLICT,),
    ),
    Operation(
        name="check_draft",
        method="POST",
        path="/drafts/check",
        summary="Every mistake of a rule file that is being written, and its examples.",
        act=check,
        scope=Scope.OPERATE,
        body=DraftText,
        answer=DraftChecked,
        problems=(Kind.CONFLICT,),
    ),
    Operation(
        name="try_draft",
        method="POST",
        path="/drafts/runs",
        summary="Try a draft on the items of the last days, beside the rules that run.",
        about="A draft with mistakes is answered 422; while another trial goes, 503.",
        act=start,
        scope=Scope.OPERATE,
        body=DraftTrial,
        answer=Trial,
        creates=True,
        problems=(Kind.CONFLICT,),
    ),
    Operation(
        name="get_trial",
        method="GET",
        path="/drafts/runs/{run_id}",
        summary="How far a trial is, and what it found.",
        act=trial,
        asked=TrialAsked,
        answer=Trial,
    ),
    Operation(
        name="stop_trial",
        method="DELETE",
        path="/drafts/runs/{run_id}",
        summary="Stop a trial; what it found stays.",
        act=stop,
        scope=Scope.OPERATE,
        asked=TrialAsked,
    ),
)
