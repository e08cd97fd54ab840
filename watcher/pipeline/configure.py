"""watcher.yml and the rule files become rows and compiled rules; a refused file leaves the last good one in force."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from watcher import config as config_file
from watcher import log
from watcher.errors import CannotHelp, Mistakes
from watcher.model import Config, Notice
from watcher.pipeline import ledger, reload_state, rule_names, signup
from watcher.pipeline.named_rules import unknown_rules
from watcher.pipeline.reload_state import Files
from watcher.pipeline.steps import notify
from watcher.pipeline.thresholds import with_dollars
from watcher.runtime import Runtime
from watcher.store import channels, feeds, overview, subscriptions

_log = log.get("pipeline")


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What a reload of watcher.yml changed, in URLs and ids."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    retired: tuple[str, ...]


def apply_config(rt: Runtime, *, at_once: bool = False) -> Applied | None:
    """Bring the rows of origin `file` in step with watcher.yml; None when the file is as it was, absent or refused.

    A refused file changes nothing: the last good rows stay and `ops:` hears of it once a day. `at_once`: take it
    although it has not stood still from one look to the next.
    """
    path = rt.settings.config_path
    try:
        stat = path.stat()
    except FileNotFoundError:
        return None
    stamp = (stat.st_mtime_ns, stat.st_size)
    if stamp == rt.config_stamp:
        return None
    if stamp != rt.config_seen and not at_once and not _first_ever(rt):
        rt.config_seen = stamp  # somebody may be writing it: take it when it has stood still from one look to the next
        return None
    try:
        applied = _sync(rt, config_file.load(path))
    except CannotHelp as refused:
        rt.config_stamp = stamp
        mistakes = str(refused).splitlines()
        _log.error("watcher.yml refused, the last good one stays", mistakes=mistakes)
        reload_state.note(rt, Files.CONFIG, version="", mistakes=mistakes)
        lines = ("The last good configuration stays in force.", *mistakes)
        notify(rt, _key("config", rt, mistakes), Notice(subject=f"{path.name} was refused", lines=lines))
        return None
    rt.config_stamp = stamp
    reload_state.note(rt, Files.CONFIG, version=_version(path))
    _log.info("watcher.yml applied", added=applied.added, changed=applied.changed, retired=applied.retired)
    return applied


def _version(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def _key(what: str, rt: Runtime, mistakes: Iterable[str]) -> str:
    """The same mistakes are told once a day, others at once."""
    told = hashlib.sha256("\n".join(mistakes).encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return f"{what}:{rt.clock():%Y-%m-%d}:{told}"


def _first_ever(rt: Runtime) -> bool:
    with rt.database.read() as conn:
        return not feeds.listing(conn) and not subscriptions.active(conn)


def _sync(rt: Runtime, loaded: Config) -> Applied:
    now = rt.clock()
    wanted = [with_dollars(one, now) for one in loaded.subscriptions]
    with rt.database.write() as conn:
        overview.remember(conn, "public_url", loaded.public_url)
        overview.remember(conn, "public_feed", loaded.public_feed)
        reports = (
            feeds.sync_file(conn, loaded.feeds, now=now),
            channels.sync(conn, loaded.channels, now=now),
            subscriptions.sync_subscriptions(conn, wanted, ops=loaded.ops, now=now),
        )
        signup.apply(conn, loaded, now=now)
    return Applied(
        added=tuple(one for report in reports for one in report.added),
        changed=tuple(one for report in reports for one in report.changed),
        retired=tuple(one for report in reports for one in report.retired),
    )


def check_rules(rt: Runtime) -> None:
    """Look whether the rule files changed and where rules stand; tell `ops:` once a day while they cannot be read."""
    lines: tuple[str, ...] = ("The last good rules stay in force.",)
    try:
        rule_names.keep(rt)
        _tell_unknown_rules(rt)
        ledger.look(rt)
        version = rt.rules.engine().rule_set.version
    except Mistakes:
        version = ""
        lines = ("There are no good rules yet: items are stored and wait.",)
    wrong = [str(one) for one in rt.rules.mistakes.mistakes] if rt.rules.mistakes else []
    if version or wrong:
        reload_state.note(rt, Files.RULES, version=version, mistakes=wrong)
    if rt.rules.mistakes:
        lines = (*lines, *(str(one) for one in rt.rules.mistakes.mistakes))
        notify(rt, _key("rules", rt, lines), Notice(subject="The rule files were refused", lines=lines))


def _tell_unknown_rules(rt: Runtime) -> None:
    """Tell `ops:` once which rules watcher.yml names that nobody wrote; looked at when either has changed."""
    rule_set = rt.rules.engine().rule_set
    stamp = (rule_set.version, rt.config_stamp)
    if stamp == rt.names_checked:
        return
    with rt.database.read() as conn:
        unknown = unknown_rules(subscriptions.active(conn), {rule.id for rule in rule_set.rules})
    if unknown:
        lines = ("Nothing is told by these names:", *(str(one) for one in unknown))
        told = hashlib.sha256("\n".join(lines).encode("utf-8", "surrogatepass")).hexdigest()[:12]
        notify(rt, f"unknown-rules:{told}", Notice(subject="watcher.yml names rules that do not exist", lines=lines))
    rt.names_checked = stamp
