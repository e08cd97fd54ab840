"""Structured logs on stderr: one JSON line an entry, or a coloured line where a person looks at a terminal.

Values are escaped by the renderers, so a feed's title can neither forge a line nor move a cursor.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog

_CONTROL = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160)) if code not in (9, 10)}
_FIELD_LIMIT = 4000


def _tame(_logger: Any, _name: str, entry: dict[str, Any]) -> dict[str, Any]:
    for key, value in entry.items():
        if isinstance(value, str) and key != "exception":
            entry[key] = value.replace("\n", "\\n").translate(_CONTROL)[:_FIELD_LIMIT]
    return entry


def configure(*, level: str = "INFO", json_lines: bool | None = None) -> None:
    """Set up logging for this process; JSON lines unless stderr is a terminal."""
    as_json = (not sys.stderr.isatty()) if json_lines is None else json_lines
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
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
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


def get(name: str) -> Any:
    """A logger whose entries carry `name` as `part`."""
    return structlog.get_logger(part=name)
