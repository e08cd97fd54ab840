"""How the last reload of watcher.yml and of the rule files went, as rows: for health checks, metrics and pages.

Written by whoever looked at the files, when it differs from what is known; what a reload does is left to `configure`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from watcher.runtime import Runtime
from watcher.store import Connection, overview


class Files(StrEnum):
    """What is reloaded."""

    CONFIG = "config"
    RULES = "rules"
    TEMPLATES = "templates"
    """Mail templates of one's own, of the channel that was last looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reload:
    """The last look at changed files."""

    ok: bool
    """Whether the files as they were then are in force."""
    at: datetime
    version: str
    """Of what is in force; empty before anything was."""
    mistakes: tuple[str, ...]
    good_at: datetime | None
    """When files were last taken into force."""


def note(rt: Runtime, files: Files, *, version: str, mistakes: Sequence[str] = ()) -> None:
    """Write how a reload went, unless that is known."""
    with rt.database.read() as conn:
        known = read(conn, files)
    told = (not mistakes, version, tuple(mistakes))
    if known is not None and told == (known.ok, known.version, known.mistakes):
        return
    now = rt.clock()
    good_at = known.good_at if mistakes and known else None if mistakes else now
    row = {
        "ok": not mistakes,
        "at": now.isoformat(),
        "version": version,
        "mistakes": list(mistakes),
        "good_at": good_at.isoformat() if good_at else None,
    }
    with rt.database.write() as conn:
        overview.remember(conn, f"reload:{files}", row)


def read(conn: Connection, files: Files) -> Reload | None:
    """How the last reload went; None before the first."""
    row = overview.remembered(conn, f"reload:{files}")
    if row is None:
        return None
    return Reload(
        ok=row["ok"],
        at=datetime.fromisoformat(row["at"]),
        version=row["version"],
        mistakes=tuple(row["mistakes"]),
        good_at=datetime.fromisoformat(row["good_at"]) if row["good_at"] else None,
    )
