"""Explaining in a process of its own, which can be killed: values come and go as JSON, the rules stay compiled."""

from __future__ import annotations

from pathlib import Path

from watcher import wire
from watcher.match.compile import compile_rules
from watcher.match.evaluate import Engine
from watcher.match.explain import explain
from watcher.match.language import load_rules, rule_files
from watcher.model import JSON, FactKind, NewsText

_compiled: dict[tuple[tuple[str, int, int], ...], Engine] = {}
"""The rules of the last folder as they were last."""


def explained(payload: JSON) -> JSON:
    """`{folder, news}` to `{rules, amounts, version}`: what each rule came to, and which of them read amounts."""
    engine = _engine(Path(payload["folder"]))
    told = explain(engine, wire.load(NewsText, payload["news"]))
    amounts = [rule.id for rule in engine.rule_set.rules if any(one.kind is FactKind.MONEY for one in rule.facts)]
    return {"rules": [wire.dump(one) for one in told], "amounts": amounts, "version": engine.version}


def _engine(folder: Path) -> Engine:
    stats = ((path, path.stat()) for path in rule_files(folder))
    stamp = tuple((str(path), stat.st_mtime_ns, stat.st_size) for path, stat in stats)
    if stamp not in _compiled:
        _compiled.clear()
        _compiled[stamp] = compile_rules(load_rules(folder))
    return _compiled[stamp]
