"""Charts: values in, SVG out that says the same in words."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

from watcher.web.console import charts
from watcher.web.console.charts import Plan, Series

SVG = "{http://www.w3.org/2000/svg}"


def plan(*labels: str, **changes: str) -> Plan:
    words = {"key": "items", "title": "Items per hour", "says": "Six items."} | changes
    return Plan(labels=labels, **words)


def tree(markup: str) -> ET.Element:
    """The picture as XML: what is no XML is no SVG either."""
    return ET.fromstring(markup)


@pytest.mark.parametrize(
    ("value", "top"),
    [(0, 1), (0.3, 1), (1, 1), (3, 4), (4.5, 5), (7, 8), (9, 10), (11, 20), (99, 100), (812, 1000), (4000, 4000)],
)
def test_an_axis_ends_at_a_round_number(value: float, top: float) -> None:
    assert charts.nice_top(value) == top


@pytest.mark.parametrize(
    ("seconds", "top"), [(0, 1), (3, 5), (45, 60), (61, 120), (700, 1200), (86400, 86400), (100000, 172800)]
)
def test_an_axis_of_time_ends_at_a_round_time(seconds: float, top: float) -> None:
    assert charts.nice_span(seconds) == top


@pytest.mark.parametrize(("value", "words"), [(0, "0"), (999, "999"), (12500, "12\u202f500")])
def test_counts_are_grouped_by_three(value: float, words: str) -> None:
    assert charts.whole(value) == words


def test_columns_stack_their_series_from_the_ground_up() -> None:
    series = [Series(name="sent", kind="good", values=[3, 0]), Series(name="given up", kind="bad", values=[1, 2])]
    picture = tree(charts.columns(plan("08:00", "09:00"), series))
    bars = [(one.get("class"), float(one.get("y") or 0), float(one.get("height") or 0)) for one in picture.iter("rect")]
    # the axis ends at 4, the ground lies at 112, the top at 8
    assert bars == [("bar good", 34.0, 78.0), ("bar bad", 8.0, 26.0), ("bar bad", 60.0, 52.0)]
    assert [one.text for one in picture.iter("title")] == [
        "Items per hour",
        "08:00: 3 sent",
        "08:00: 1 given up",
        "09:00: 2 given up",
    ]


def test_a_picture_says_what_it_shows_to_those_who_do_not_see_it() -> None:
    picture = tree(charts.columns(plan("08:00"), [Series(name="items", kind="one", values=[6])]))
    assert picture.get("role") == "img"
    ids = {one.get("id"): one.text for one in picture.iter() if one.get("id")}
    assert [ids[name] for name in (picture.get("aria-labelledby") or "").split()] == ["Items per hour", "Six items."]


def test_a_line_is_broken_where_nothing_is_known_and_a_lone_value_is_a_dot() -> None:
    series = [Series(name="half within", kind="one", values=[1.0, 2.0, None, 4.0])]
    picture = tree(charts.traces(plan("1", "2", "3", "4"), series))
    lines = [one.get("points") or "" for one in picture.iter("polyline")]
    assert [len(line.split()) for line in lines] == [2]
    assert len(list(picture.iter("circle"))) == 3


def test_charts_of_nothing_are_drawn_too() -> None:
    empty = [Series(name="items", kind="one", values=[0, 0])]
    assert list(tree(charts.columns(plan("1", "2"), empty)).iter("rect")) == []
    assert list(tree(charts.traces(plan("1"), [Series(name="x", kind="one", values=[None])])).iter("circle")) == []
    assert tree(charts.columns(plan(), [Series(name="items", kind="one", values=[])])) is not None
    assert tree(charts.week(plan(), [[0] * 24] * 7, "MTWTFSS")) is not None


def test_the_week_is_darker_where_there_is_more() -> None:
    counts = [[0] * 24 for _ in range(7)]
    counts[0][9], counts[4][20], counts[6][0] = 1, 8, 4
    kinds = [one.get("class") for one in tree(charts.week(plan(), counts, "MTWTFSS")).iter("rect")]
    assert len(kinds) == 168
    assert (kinds[9], kinds[4 * 24 + 20], kinds[6 * 24], kinds[0]) == (
        "heat heat-1",
        "heat heat-4",
        "heat heat-2",
        "heat heat-0",
    )


@pytest.mark.parametrize(
    ("value", "top", "width"), [(5, 10, "50.0"), (10, 10, "100.0"), (20, 10, "100.0"), (0, 0, "0.0")]
)
def test_a_measure_is_as_long_as_its_share(value: float, top: float, width: str) -> None:
    assert f'width="{width}"' in charts.measure(value, top)


def test_the_table_tells_the_same_values_the_newest_first() -> None:
    series = [Series(name="sent", kind="good", values=[3, None]), Series(name="held", kind="six", values=[0, 7])]
    words = re.sub(r"<[^>]+>", "|", charts.table(plan("08:00", "09:00"), series))
    assert [one for one in words.split("|") if one] == ["Time", "sent", "held", "09:00", "–", "7", "08:00", "3", "0"]


def test_names_are_text_and_nothing_else_in_pictures_and_tables() -> None:
    hostile = '"><script>alert(1)</script>'
    series = [Series(name=hostile, kind="one", values=[1])]
    told = plan(hostile, title=hostile, says=hostile)
    for markup in (charts.columns(told, series), charts.traces(told, series), charts.table(told, series)):
        assert "<script" not in markup
        assert " style=" not in markup
