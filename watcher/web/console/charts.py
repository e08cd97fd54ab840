"""Small charts as SVG, drawn on the server: values in, markup out. Pure; their colours are the style sheet's.

Each chart says what it shows in its title and description, and each has a table of the same values, so that nothing is
told by a picture alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

WIDTH, HEIGHT = 320, 132
_LEFT, _RIGHT, _TOP, _BOTTOM = 38, 4, 8, 20
_GAP = 2
_TICKS = 4
"""How many labels stand below a chart, evenly spread."""
Shown = Callable[[float], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One row of values, oldest first. `kind` is the class that colours it: `one` … `six`, `good`, `wait`, `bad`."""

    name: str
    kind: str
    values: Sequence[float | None]
    """None: there is nothing to tell of this place, which is not the same as 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a chart is called and what its places mean; `labels` are as many as each series has values."""

    key: str
    """Unique on its page, for the ids that link the picture to its words."""
    title: str
    says: str
    """What a person would read off the picture, in a sentence."""
    labels: Sequence[str]
    shown: Shown = "{:.0f}".format


def whole(value: float) -> str:
    """A count with thin groups of three: `12 500`."""
    return f"{value:,.0f}".replace(",", "\u202f")


def nice_top(value: float) -> float:
    """The end of an axis that holds `value`: 1, 2, 4, 5 or 8 times a power of ten, at least 1."""
    if value <= 1:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 4, 5, 8, 10) if step * power >= value)


def nice_span(seconds: float) -> float:
    """The end of an axis of durations: a round number of seconds, minutes, hours or days."""
    steps = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 28800, 43200, 86400)
    return float(next((step for step in steps if step >= seconds), 86400 * math.ceil(seconds / 86400)))


def columns(plan: Plan, series: Sequence[Series]) -> Markup:
    """One column a place, the series stacked in their order from the ground up."""
    totals = [sum(one.values[place] or 0 for one in series) for place in range(len(plan.labels))]
    top = nice_top(max(totals, default=0))
    marks = Markup("").join(_stacks(plan, series, top))
    return _picture(plan, top, marks)


def _stacks(plan: Plan, series: Sequence[Series], top: float) -> Iterator[Markup]:
    wide = _wide(plan)
    for place, label in enumerate(plan.labels):
        ground = 0.0
        for one in series:
            value = one.values[place] or 0
            if not value:
                continue
            low, high = _y(ground, top), _y(ground + value, top)
            ground += value
            words = f"{label}: {plan.shown(value)} {one.name}"
            box = (_LEFT + place * wide + _GAP / 2, high, max(1.0, wide - _GAP), max(0.5, low - high))
            yield _box(f"bar {one.kind}", box, words)


def _box(kind: str, box: tuple[float, float, float, float], words: str) -> Markup:
    """A rectangle by x, y, width and height, and what a pointer that rests on it is told."""
    x, y, width, height = box
    # f-strings: Markup.format costs ten times as much, and a page has hundreds of these
    shape = f'class="{escape(kind)}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
    return _marked(f"<rect {shape}><title>{escape(words)}</title></rect>")


def traces(plan: Plan, series: Sequence[Series], *, top_of: Callable[[float], float] = nice_top) -> Markup:
    """A line for each series, broken where it has no value; a lone value is a dot."""
    known = [value for one in series for value in one.values if value is not None]
    top = top_of(max(known, default=0))
    marks = Markup("").join(mark for one in series for mark in _trace(plan, one, top))
    return _picture(plan, top, marks)


def _trace(plan: Plan, one: Series, top: float) -> Iterator[Markup]:
    wide = _wide(plan)
    points = [
        None if value is None else (_LEFT + (place + 0.5) * wide, _y(value, top))
        for place, value in enumerate(one.values)
    ]
    for run in _runs(points):
        if len(run) > 1:
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in run)
            yield Markup('<polyline class="trace {}" points="{}"></polyline>').format(one.kind, path)
    for place, point in enumerate(points):
        value = one.values[place]
        if point is not None and value is not None:
            words = f"{plan.labels[place]}: {one.name} {plan.shown(value)}"
            x, y = point
            dot = f'class="dot {escape(one.kind)}" cx="{x:.1f}" cy="{y:.1f}" r="2.5"'
            yield _marked(f"<circle {dot}><title>{escape(words)}</title></circle>")


def _runs(points: Sequence[tuple[float, float] | None]) -> Iterator[list[tuple[float, float]]]:
    run: list[tuple[float, float]] = []
    for point in points:
        if point is None:
            if run:
                yield run
            run = []
        else:
            run.append(point)
    if run:
        yield run


def measure(value: float, top: float, kind: str = "one") -> Markup:
    """A bar as long as `value` is of `top`, to stand below words and a figure that say the same."""
    share = 100 * min(1.0, value / top) if top > 0 else 0.0
    return Markup(
        '<svg class="measure" viewBox="0 0 100 5" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="none" width="100" height="5"></rect><rect class="bar {}" width="{:.1f}" height="5"></rect></svg>'
    ).format(kind, share)


def week(plan: Plan, counts: Sequence[Sequence[int]], days: Sequence[str]) -> Markup:
    """A square for each hour of the week, darker where there is more; `counts` are seven rows of 24."""
    most = max((count for row in counts for count in row), default=0)
    left, side = 34, 11.9
    cells = [
        _box(
            f"heat heat-{_heat(count, most)}",
            (left + hour * side, day * 12, side - 1, 11),
            f"{days[day]} {hour:02}:00: {plan.shown(count)}",
        )
        for day, row in enumerate(counts)
        for hour, count in enumerate(row)
    ]
    word = Markup('<text x="{:.1f}" y="{}" text-anchor="{}">{}</text>')
    names = [word.format(left - 6, day * 12 + 10, "end", name) for day, name in enumerate(days)]
    hours = [word.format(left + (hour + 0.5) * side, 98, "middle", f"{hour:02}") for hour in (0, 6, 12, 18, 23)]
    return _svg(plan, WIDTH, 102, Markup("").join([*names, *cells, *hours]))


def _heat(count: int, most: int) -> int:
    return 0 if not count else 1 + min(3, 4 * (count - 1) // max(1, most))


def table(plan: Plan, series: Sequence[Series], first: str = "Time") -> Markup:
    """The same values as a table, the newest place first."""
    head = "".join(f'<th scope="col" class="count">{escape(one.name)}</th>' for one in series)
    rows = "".join(
        f'<tr><th scope="row">{escape(label)}</th>{_cells(plan, series, place)}</tr>'
        for place, label in reversed(list(enumerate(plan.labels)))
    )
    top = f'<tr><th scope="col">{escape(first)}</th>{head}</tr>'
    return _marked(f"<table><thead>{top}</thead><tbody>{rows}</tbody></table>")


def _cells(plan: Plan, series: Sequence[Series], place: int) -> str:
    told = (one.values[place] for one in series)
    words = ("–" if value is None else plan.shown(value) for value in told)
    return "".join(f'<td class="count">{escape(one)}</td>' for one in words)


def _marked(text: str) -> Markup:
    return Markup(text)  # noqa: S704 (whoever made it has escaped every value in it)


# ── the frame of a picture ───────────────────────────────────────────────────────────────────────────────────────────


def _wide(plan: Plan) -> float:
    return (WIDTH - _LEFT - _RIGHT) / max(1, len(plan.labels))


def _y(value: float, top: float) -> float:
    return HEIGHT - _BOTTOM - (HEIGHT - _BOTTOM - _TOP) * min(1.0, value / top)


def _picture(plan: Plan, top: float, marks: Markup) -> Markup:
    return _svg(plan, WIDTH, HEIGHT, Markup("").join([*_levels(plan, top), *_below(plan), marks]))


def _levels(plan: Plan, top: float) -> Iterator[Markup]:
    for value in (top, top / 2, 0.0):
        y = _y(value, top)
        kind = "rule" if value else "base"
        yield Markup('<line class="{}" x1="{}" x2="{}" y1="{y:.1f}" y2="{y:.1f}"></line>').format(
            kind, _LEFT, WIDTH - _RIGHT, y=y
        )
        if value != top / 2:
            yield Markup('<text x="{}" y="{:.1f}" text-anchor="end">{}</text>').format(
                _LEFT - 5, y + 4, plan.shown(value)
            )


def _below(plan: Plan) -> Iterator[Markup]:
    wide, number = _wide(plan), len(plan.labels)
    for step in range(min(_TICKS, number)):
        place = round(step * (number - 1) / max(1, min(_TICKS, number) - 1))
        anchor = "start" if place == 0 else "end" if place == number - 1 else "middle"
        x = _LEFT + (place + {"start": 0, "middle": 0.5, "end": 1}[anchor]) * wide
        yield Markup('<text x="{:.1f}" y="{}" text-anchor="{}">{}</text>').format(
            x, HEIGHT - 5, anchor, plan.labels[place]
        )


def _svg(plan: Plan, width: int, height: int, inside: Markup) -> Markup:
    return Markup(
        '<svg viewBox="0 0 {width} {height}" role="img" aria-labelledby="{key}-title {key}-says">'
        '<title id="{key}-title">{title}</title><desc id="{key}-says">{says}</desc>{inside}</svg>'
    ).format(width=width, height=height, key=plan.key, title=plan.title, says=plan.says, inside=inside)
