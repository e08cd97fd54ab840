"""A reload that somebody asks for: watcher.yml, rules and templates are looked at now, and not in a few seconds.

Asked by SIGHUP, by POST /-/reload or on the command line. A file in the data folder tells the other processes of this
machine to look, too; those of other machines do so within seconds. The last good files stay in force.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from watcher import log, wire
from watcher.pipeline import reload_state, templates
from watcher.pipeline.configure import Applied, apply_config, check_rules
from watcher.pipeline.reload_state import Files, Reload
from watcher.runtime import Runtime
from watcher.store import channels

_log = log.get("reload")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reloaded:
    """What a reload came to."""

    at: datetime
    ok: bool
    """Whether all files, as they are now, are in force."""
    files: Mapping[Files, Reload]
    """How each of them stands; those that were never read are absent."""
    applied: Applied | None
    """What changed in the rows of watcher.yml; None when nothing did."""

    @property
    def mistakes(self) -> tuple[str, ...]:
        """All of them, each with file and line."""
        return tuple(mistake for one in self.files.values() for mistake in one.mistakes)


def reload(rt: Runtime, *, by: str, alone: bool = False) -> Reloaded:
    """Take the files as they are now into force, or say what is wrong with them. Raises TryAgain for a busy database.

    A file that somebody is just writing is refused like any other that is not whole, and looked at again soon. The
    other processes of this data folder are told to look, too, unless `alone`: then they were.
    """
    if not alone:
        rt.bell.ring()
    rt.bell_heard = rt.bell.rung()
    applied = apply_config(rt, at_once=True)
    check_rules(rt)
    _look_at_templates(rt)
    with rt.database.read() as conn:
        files = {one: found for one in Files if (found := reload_state.read(conn, one)) is not None}
    ok = all(one.ok for one in files.values())
    _log.info("reloaded", by=by, ok=ok, rules=files[Files.RULES].version if Files.RULES in files else "")
    return Reloaded(at=rt.clock(), ok=ok, files=files, applied=applied)


def shown(done: Reloaded) -> dict[str, Any]:
    """For machines: `{"ok", "at", "files": {name: {"ok", "at", "version", "mistakes", "good_at"}}, "changed"}`."""
    files = {name.value: wire.dump(one) for name, one in done.files.items()}
    applied = wire.dump(done.applied) if done.applied else None
    return {"ok": done.ok, "at": done.at.isoformat(), "files": files, "changed": applied}


def was_asked(rt: Runtime) -> bool:
    """Whether somebody asked for a reload that this process has not made yet."""
    rung = rt.bell.rung()
    if rt.bell_heard is None:
        rt.bell_heard = rung  # what was asked before it started, it does by itself
    return rung != rt.bell_heard


def _look_at_templates(rt: Runtime) -> None:
    with rt.database.read() as conn:
        own = {config.templates: config for config in channels.live(conn) if config.templates}
    for config in own.values():
        templates.in_force(rt, config)
