"""Rules written as text, read and compiled as files are."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

from watcher.match.compile import compile_rules
from watcher.match.evaluate import Engine
from watcher.match.language import load_rules

HEAD = "id: {id}\ntitle: A rule\nstatus: stable\nlevel: low\n"
TESTS = "tests:\n  - match: anything\n  - no_match: nothing\n"


def rule_text(body: str, *, rule_id: str = "example") -> str:
    """A whole rule file around selections, condition and facts."""
    return HEAD.format(id=rule_id) + dedent(body) + TESTS


def write_rules(folder: Path, **files: str) -> Path:
    """A rules folder: `lists__verbs="..."` is lists/verbs.yml."""
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.yml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def engine_of(folder: Path, body: str, params: dict[str, str] | None = None, **files: str) -> Engine:
    """The engine of one rule called `example`."""
    return compile_rules(load_rules(write_rules(folder, example=rule_text(body), **files)), params)
