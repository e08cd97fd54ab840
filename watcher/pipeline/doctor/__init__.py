"""What a machine and its surroundings lack, before it hurts: every check with a sentence and what to do.

The checks run side by side, each within its time: a mail server that hangs delays nobody. Nothing is changed, and no
message is sent. Whether the line is moving is asked by `watcher.pipeline.checks`.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial

from watcher import config as config_file
from watcher.errors import CannotHelp, WatcherError
from watcher.model import ChannelConfig, ChannelKind, Config
from watcher.pipeline.doctor import broker, files, machine, rows, ways
from watcher.pipeline.doctor.finding import Finding, Verdict, bad
from watcher.runtime import Runtime
from watcher.store import channels

__all__ = ["WITHIN_S", "Finding", "Verdict", "run", "worst"]

WITHIN_S = 10.0
"""How long a check may take."""
_AT_ONCE = 16
Check = Callable[[], Iterable[Finding]]


def run(rt: Runtime, *, within_s: float = WITHIN_S) -> list[Finding]:
    """Every finding, in the order of the checks. Takes `within_s`, more only with dozens of channels that hang."""
    return _together(_checks(rt, within_s), within_s=within_s)


def worst(findings: Iterable[Finding]) -> Verdict:
    """Bad before a warning before all well."""
    found = {one.verdict for one in findings}
    return next((verdict for verdict in (Verdict.BAD, Verdict.WARN) if verdict in found), Verdict.OK)


def _checks(rt: Runtime, within_s: float) -> dict[str, Check]:
    known = _ways(rt)
    checks: dict[str, Check] = {
        "versions": partial(machine.versions),
        "time zones": partial(machine.zones, rt),
        "data folder": partial(machine.data_folder, rt),
        "database": partial(rows.database, rt),
        "clock": partial(rows.clock, rt),
        "set aside": partial(rows.set_aside, rt),
        "restore": partial(rows.restored, rt),
        "broker": partial(broker.look, rt),
        "configuration": partial(files.configuration, rt),
        "rules": partial(files.rules, rt),
        "secrets": partial(files.secrets, rt, known),
        "console": partial(files.console, rt),
        "links": partial(files.links, rt, known),
    }
    for way in known:
        if way.kind is ChannelKind.EMAIL:
            checks[f"mail {way.id}"] = partial(ways.mail, rt, way, within_s=within_s * 0.8)
        else:
            checks[f"{way.kind.value} {way.id}"] = partial(ways.hook, rt, way, within_s=within_s * 0.8)
    for domain, signed in ways.domains(known).items():
        checks[f"dns {domain}"] = partial(ways.published, domain, signed, within_s=within_s * 0.8)
    return checks


def _ways(rt: Runtime) -> list[ChannelConfig]:
    """The channels of watcher.yml as it is now, else those in force."""
    try:
        return list(config_file.load(rt.settings.config_path).channels)
    except (CannotHelp, OSError):
        pass
    try:
        with rt.database.read() as conn:
            return channels.live(conn) if rt.database.current() else list(Config().channels)
    except WatcherError:
        return []


def _together(checks: Mapping[str, Check], *, within_s: float) -> list[Finding]:
    answers: queue.SimpleQueue[tuple[str, list[Finding]]] = queue.SimpleQueue()
    turns = threading.BoundedSemaphore(_AT_ONCE)
    waves = -(-len(checks) // _AT_ONCE)
    for name, check in checks.items():
        # a daemon: one that never answers is left behind, and does not keep the process from ending
        threading.Thread(target=_answer, args=(name, check, turns, answers), daemon=True, name=f"doctor {name}").start()
    found: dict[str, list[Finding]] = {}
    until = time.monotonic() + within_s * waves
    while len(found) < len(checks):
        try:
            name, findings = answers.get(timeout=max(0.0, until - time.monotonic()))
        except queue.Empty:
            break
        found[name] = findings
    late = f"no answer within {within_s:g} s"
    return [
        finding
        for name in checks
        for finding in found.get(name, [bad(name, late, "look what it waits for: a server that does not answer?")])
    ]


def _answer(
    name: str,
    check: Check,
    turns: threading.BoundedSemaphore,
    answers: queue.SimpleQueue[tuple[str, list[Finding]]],
) -> None:
    with turns:
        try:
            found = list(check())
        except (WatcherError, OSError, ValueError) as error:
            found = [bad(name, str(error) or type(error).__name__, "mend this first, then ask again")]
        answers.put((name, found))
