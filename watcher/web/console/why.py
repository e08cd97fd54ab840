"""What a rule came to on an item, as lines for a page: the selections that decided, their words, clause by clause.

What it came to is `watcher.match.explain`'s; this chooses what of it is worth a line, as `watcher rules explain` does.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from watcher import wording
from watcher.match.explain import ClauseTrace, Explanation, SelectionTrace, spans
from watcher.model import Snippet, Span, Stance, TextField

_CONTEXT = 420
_LINES = 40
"""Clauses of a selection that are shown."""


def rule(told: Explanation, title: str, text: str) -> dict[str, Any]:
    """One rule: whether it matches, by what or what it misses, and the selections behind that."""
    matched = told.match is not None
    return {
        "id": told.rule_id,
        "title": wording.one_line(told.title, 80),
        "matched": matched,
        "words": wording.one_line(f"matches by {told.decided}" if matched else told.nearest, 300),
        "about": ", ".join(told.nearest_in),
        "selections": [_selection(one, told, title, text) for one in told.selections if _tells(one, told)],
        "others": [
            {"name": one.name, "good": one.holds is not (one.name in told.against), "holds": one.holds}
            for one in told.selections
            if not _tells(one, told)
        ],
    }


def _tells(selection: SelectionTrace, told: Explanation) -> bool:
    """Whether a selection decided, or is what the nearest miss is about."""
    if not told.nearest_in:
        return selection.holds and selection.name not in told.against
    return selection.name in told.nearest_in


def _selection(one: SelectionTrace, told: Explanation, title: str, text: str) -> dict[str, Any]:
    negated = one.name in told.against
    stance = one.stance.value if one.holds and one.stance and one.stance is not Stance.ASSERTED else ""
    clauses = [line for group in one.groups for line in _clauses(group)]
    return {
        "name": f"{'not ' if negated else ''}{one.name}",
        "good": one.holds is not negated,
        "against": negated and one.holds,
        "stance": stance,
        "cue": wording.one_line(one.cue, 60),
        "more": one.more,
        "contexts": list(_contexts(one, title, text)),
        "clauses": clauses[:_LINES],
        "left_out": max(0, len(clauses) - _LINES),
    }


def _contexts(one: SelectionTrace, title: str, text: str) -> Iterator[tuple[tuple[str, bool], ...]]:
    """The stretch that was looked at, with the words found in it marked; of several only those with words."""
    found = sorted({span for group in one.groups for span in spans(group)}, key=lambda span: (span.field, span.start))
    for unit in one.unit:
        inside = [span for span in found if _within(span, unit)]
        words = (title if unit.field is TextField.TITLE else text)[unit.start : unit.end]
        if words.strip() and (inside or len(one.unit) == 1):
            marks = tuple((span.start - unit.start, span.end - unit.start) for span in inside)
            yield wording.segments(Snippet(text=words, marks=marks), _CONTEXT)


def _within(span: Span, unit: Span) -> bool:
    return span.field is unit.field and unit.start <= span.start and span.end <= unit.end


def _clauses(group: ClauseTrace, depth: int = 0) -> Iterator[dict[str, Any]]:
    """The clauses of a group: all of an `all`, those that hold of an `any` and of a `none`; each with its words."""
    shown = group.inner
    if group.label in ("any", "none") or not group.inner:
        shown = tuple(one for one in group.inner if one.holds)
    if group.label == "any" and not shown:
        several = f"any of {len(group.inner)} clauses: " if len(group.inner) > 1 else ""
        yield _line(several + group.why, good=False, depth=depth)
    for one in shown:
        good = one.holds is not (group.label == "none")
        if one.label in ("any", "all", "none") and one.inner:
            if one.label == "all" or (one.label == "none" and not one.holds):
                yield _line(f"{one.label} of:", good=good, depth=depth)
                yield from _clauses(one, depth + 1)
            elif one.label == "any":
                yield from _clauses(one, depth)
            continue
        words = ("none of: " if group.label == "none" else "") + (one.label if one.holds else one.why)
        yield _line(words, good=good, depth=depth, quoted=one.words)


def _line(words: str, *, good: bool, depth: int, quoted: str = "") -> dict[str, Any]:
    return {
        "words": wording.one_line(words, 300),
        "good": good,
        "depth": min(depth, 3),
        "quoted": wording.one_line(quoted, 80),
    }
