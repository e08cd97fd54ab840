"""Structured logs on stderr: one JSON line an entry, or a coloured line where a person looks at a terminal.

Names are stable: `event` says what happened, `part` where, `feed_id`, `item_id`, `event_id`, `digest_id`, `delivery_id`
and `channel_id` to what, `reason` why, `duration_s` how long it took; `trace` is shared by all that one poll, push or
sweep led to, over every queue. Values are escaped, so a feed's title can neither forge a line nor move a cursor, and
what looks like a secret is left out, wherever a text came from.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterable
from typing import Any

import structlog
from structlog.typing import EventDict

_BIDI = (*range(0x202A, 0x202F), *range(0x2066, 0x206A))
_CONTROL = {
    **{code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if code not in (9, 10)},
    **{code: f"\\u{code:04x}" for code in (0x2028, 0x2029, 0xFEFF, *_BIDI)},
}
_FIELD_LIMIT = 4000
_TEXT_LIMIT = 20_000
_NAMES = {
    **{noun: f"{noun}_id" for noun in ("feed", "item", "digest", "delivery", "channel", "hub", "push", "canary")},
    "why": "reason",
    "took_s": "duration_s",
}
HIDDEN = "***"
_SECRETS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"([a-z][a-z0-9+.-]{0,20}://)[^\s/'\"<>]{1,500}@", re.I), rf"\1{HIDDEN}@"),
    (re.compile(r"(hooks\.slack(?:-gov)?\.com/)(?:services|workflows|triggers)/[^\s'\"<>]+", re.I), rf"\1{HIDDEN}"),
    (re.compile(r"(discord(?:app)?\.com/api/webhooks/)[^\s'\"<>]+", re.I), rf"\1{HIDDEN}"),
    (re.compile(r"((?:authorization|cookie|x-api-key)['\"]?\s*[:=]\s*['\"]?)[^\r\n'\",}]+", re.I), rf"\1{HIDDEN}"),
    (re.compile(r"\b((?:bearer|basic)\s+)(?=\S*[0-9=])[a-z0-9._~+/=-]{6,}", re.I), rf"\1{HIDDEN}"),
    (re.compile(r"\b(whsec_|wat_|xox[a-z]-|xapp-)[\w+/=-]{6,}"), rf"\1{HIDDEN}"),
    (
        re.compile(
            r"([?&;](?:sig|signature|token|access_token|key|api_?key|apikey|secret|password|auth|code)=)[^\s&'\"<>#]+",
            re.I,
        ),
        rf"\1{HIDDEN}",
    ),
    (re.compile(r"(/(?:u|e|v|m|p|c|d|f|push)/)[\w-]{20,}[\w.=-]*"), rf"\1{HIDDEN}"),
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.S), HIDDEN),
)
_hidden: list[str] = []


def redact(text: str) -> str:
    """The text without what looks like a secret, or is one of those that `configure` was told."""
    for value in _hidden:
        text = text.replace(value, HIDDEN)
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return text


def _named(_logger: Any, _name: str, entry: EventDict) -> EventDict:
    return {_NAMES.get(key, key): value for key, value in entry.items()}


def _tame(_logger: Any, _name: str, entry: EventDict) -> EventDict:
    return {key: _tamed(value, lines=key == "exception") for key, value in entry.items()}


def _tamed(value: Any, *, lines: bool = False) -> Any:
    """A value that can be written: strings escaped, without secrets and bounded, also those in lists and tables."""
    if isinstance(value, str):
        most = _TEXT_LIMIT if lines else _FIELD_LIMIT
        told = redact(value[: most * 2]).translate(_CONTROL)
        return (told if lines else told.replace("\n", "\\n"))[:most]
    if isinstance(value, dict):
        return {_tamed(key): _tamed(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_tamed(one) for one in value]
    return value if value is None or isinstance(value, bool | int | float) else _tamed(str(value))


def configure(
    *, level: str = "INFO", json_lines: bool | None = None, form: str = "auto", hide: Iterable[str] = ()
) -> None:
    """Set up logging for this process.

    `form`: `json`, `console`, or `auto`, which is JSON unless stderr is a terminal; `json_lines` goes before it.
    `hide`: secrets that no entry may hold, whatever text they come in.
    """
    chosen = {"json": True, "console": False}.get(form, not sys.stderr.isatty())
    as_json = chosen if json_lines is None else json_lines
    _hidden[:] = sorted({one for one in hide if len(one) >= 6}, key=len, reverse=True)
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _named,
        _tame,
    ]
    renderer = structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer()
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared[:4], _foreign],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _named, _tame, renderer],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


def _foreign(_logger: Any, _name: str, entry: EventDict) -> EventDict:
    """An entry of a library names it as its part."""
    record = entry.get("_record")
    if record is not None:
        entry.setdefault("part", record.name)
    return entry


def get(name: str) -> Any:
    """A logger whose entries carry `name` as `part`."""
    return structlog.get_logger(part=name)


def traced(trace: str) -> Any:
    """A context in which every entry of this thread carries that trace."""
    return structlog.contextvars.bound_contextvars(trace=trace)
