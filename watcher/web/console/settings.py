"""Settings: what this process was given, what watcher.yml and the rules are in force, and a reload. No secret is shown.

A secret is only said to be set or not; of an address that may hold one, the host is shown.
"""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from starlette.responses import Response

from watcher import wording
from watcher.model import ChannelConfig, When
from watcher.pipeline import reload, reload_state, rule_names
from watcher.pipeline.reload_state import Files
from watcher.settings import SETTINGS, Setting, given_by
from watcher.store import Connection, channel_health, overview, subscriptions
from watcher.web.console.desk import Desk, Page, span
from watcher.web.masking import server, way

_SHOWN = 200
_BYTES = (("MiB", 2**20), ("KiB", 2**10))
_FILES = {Files.CONFIG: "watcher.yml", Files.RULES: "Rule files"}
_WHENS = {When.IMMEDIATE: "at once", When.HOURLY: "hourly", When.DAILY: "daily", When.WEEKLY: "weekly"}


def show(desk: Desk) -> Response:
    """The page; a POST takes the files as they are now into force."""
    if desk.posted:
        return _reload(desk)
    rt = desk.rt
    with rt.database.read() as conn:
        values: dict[str, Any] = {
            "reloads": _reloads(conn),
            "channels": _channels(conn),
            "subscriptions": _subscriptions(conn),
            "service": _service(conn),
        }
    return desk.page("settings.html.j2", "Settings", program=_program(desk), rows=_rows(desk), **values)


def _reload(desk: Desk) -> Response:
    done = reload.reload(desk.rt, by=desk.operator.name)
    with desk.rt.database.write() as conn:
        desk.note(conn, "config.reload", "watcher.yml and rules", ok=done.ok, mistakes=len(done.mistakes))
    told = "All files are in force as they are." if done.ok else "Not all files were taken: see what is wrong below."
    return desk.go("/settings", done=told)


# ── the program ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _program(desk: Desk) -> list[tuple[str, str]]:
    rt = desk.rt
    chosen = rt.settings
    return [
        ("Version", _version()),
        ("Python", platform.python_version()),
        ("Database", rt.database.where),
        ("Broker", "named by WATCHER_REDIS_URL" if chosen.redis_url else "a private Valkey in the data folder"),
        ("Data folder", str(chosen.data_dir.resolve())),
        ("watcher.yml", str(chosen.config_path.resolve())),
        ("Rules folder", str(rt.rules.folder.resolve())),
    ]


def _version() -> str:
    try:
        return version("biotech-watcher")
    except PackageNotFoundError:
        return "run from its source"


def _rows(desk: Desk) -> list[dict[str, Any]]:
    """Every setting as this process has it."""
    return [
        {
            "variable": one.variable,
            "doc": one.doc,
            "secret": one.secret,
            "value": _value(one, getattr(desk.rt.settings, one.name)),
            "default": _value(one, one.default),
            "changed": getattr(desk.rt.settings, one.name) != one.default,
            "source": given_by(one, getattr(desk.rt.settings, one.name)),
        }
        for one in SETTINGS
    ]


def _value(setting: Setting, value: Any) -> str:
    """For people; of a secret only whether it is set."""
    if setting.secret:
        return "unset" if value is None else "set"
    if value is None or value == "" or value == ():
        return "unset"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(str(one) for one in value)
    if setting.unit == "bytes":
        return next((f"{value / size:g} {name}" for name, size in _BYTES if value >= size), f"{value} bytes")
    if setting.unit == "s":
        return f"{value:g} s" + (f" ({span(value)})" if value >= 120 else "")
    return f"{value:g} {setting.unit}".strip() if isinstance(value, float) else f"{value} {setting.unit}".strip()


# ── what is in force ─────────────────────────────────────────────────────────────────────────────────────────────────


def _reloads(conn: Connection) -> list[dict[str, Any]]:
    return [{"name": name, "state": reload_state.read(conn, files)} for files, name in _FILES.items()]


def _channels(conn: Connection) -> list[dict[str, Any]]:
    return [
        {
            "id": state.config.id,
            "kind": state.config.kind.value,
            "way": way(state.config),
            "server": server(state.config),
            "extras": ", ".join(_extras(state.config)),
            "disabled": state.disabled_reason or "",
        }
        for state in channel_health.ours(conn, limit=_SHOWN)
    ]


def _extras(config: ChannelConfig) -> list[str]:
    """What else is said of a channel; of secrets only that they are there."""
    told = (
        ("signing secret set", config.secret is not None),
        ("older secret set", config.old_secret is not None),
        (f"DKIM for {config.dkim.domain}" if config.dkim else "", config.dkim is not None),
        (f"bounces to {config.return_path}", config.return_path is not None),
        ("own templates", config.templates is not None),
        ("may reach private networks", config.allow_private),
    )
    return [words for words, said in told if said]


def _subscriptions(conn: Connection) -> list[dict[str, Any]]:
    rows = []
    for config in subscriptions.of_file(conn, limit=_SHOWN):
        when = config.schedule
        at = f" {when.at:%H:%M} {when.zone}" if when.when in (When.DAILY, When.WEEKLY) else ""
        asks = [("rules", config.rules), ("places", config.places), ("parties", config.parties)]
        asks += [("languages", config.languages), ("tags", config.tags)]
        told = [f"{name}: {', '.join(values)}" for name, values in asks if values]
        told += [f"at least {config.at_least}"] if config.at_least else []
        rows.append(
            {
                "id": config.id,
                "title": wording.one_line(config.title, 120),
                "channels": ", ".join(config.channels),
                "when": f"{_WHENS[when.when]}{at}",
                "asks": "; ".join(told) or "everything",
            }
        )
    return rows


def _service(conn: Connection) -> list[tuple[str, str]]:
    """What watcher.yml says of the service as a whole."""
    rules, public = rule_names.known(conn), overview.remembered(conn, "public_feed")
    trial = sum(1 for rule in rules if rule.trial)
    return [
        ("Address of the pages", overview.remembered(conn, "public_url") or "not set: messages have no links"),
        (
            "Feed of all events",
            "open to anybody" if public else "by signed links only",
        ),
        ("Rules in force", f"{len(rules)}, {trial} of them on trial" if trial else str(len(rules))),
    ]


PAGES = (Page(path="/settings", show=show, methods=("GET", "POST")),)
