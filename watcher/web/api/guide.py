"""The page `/api`: what there is, how to get a token, how to ask, what every problem means. Made of the operations."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from starlette.responses import Response

from watcher.pipeline.links import links
from watcher.web.api.operation import PREFIX, Operation
from watcher.web.api.problem import STATUS
from watcher.web.console.desk import Desk, Show
from watcher.web.operator import Scope

_SCOPES = {
    Scope.READ: "see everything but secrets; readers' addresses are masked",
    Scope.JUDGE: "say whether an event was useful",
    Scope.OPERATE: "change feeds, channels, subscriptions and mutes, send again, see addresses and the audit log",
}


def page_of(operations: Sequence[Operation]) -> Show:
    """The page over those operations."""
    nouns = [(noun, [_row(one) for one in mine]) for noun, mine in groupby(operations, key=lambda one: one.tag)]
    merged: dict[str, list[dict[str, Any]]] = {}
    for noun, rows in nouns:
        merged.setdefault(noun, []).extend(rows)
    problems = [(kind.value, status.value, title) for kind, (status, title) in STATUS.items()]

    def show(desk: Desk) -> Response:
        base = (links(desk.rt).public_url or str(desk.request.base_url)).rstrip("/")
        return desk.page(
            "api.html.j2",
            "API",
            base=base,
            prefix=PREFIX,
            scopes=[(scope.value, words) for scope, words in _SCOPES.items()],
            nouns=list(merged.items()),
            problems=problems,
            per_minute=desk.rt.settings.api_per_minute,
        )

    return show


def _row(one: Operation) -> dict[str, Any]:
    asked = [name for name in one.asked.model_fields if name not in one.in_path]
    return {
        "method": one.method,
        "path": PREFIX + one.path,
        "summary": one.summary,
        "scope": one.scope.value,
        "asked": asked,
    }
