"""What response headers ask of us, in all the ways they are written."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from watcher.fetch.headers import freshness_s, retry_after_s

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SERVER_DATE = "Sun, 01 Mar 2026 10:00:00 GMT"


@pytest.mark.parametrize(
    ("value", "date", "expected"),
    [
        ("120", None, 120.0),
        ("0", None, 0.0),
        (" 3600 ", None, 3600.0),
        ("1000000000", None, 1e9),
        ("Sun, 01 Mar 2026 12:10:00 GMT", None, 600.0),
        ("Sun, 01 Mar 2026 10:10:00 GMT", SERVER_DATE, 600.0),
        ("Sunday, 01-Mar-26 12:10:00 GMT", None, 600.0),
        ("Sun Mar  1 12:10:00 2026", None, 600.0),
        ("Sun, 01 Mar 2026 09:00:00 GMT", None, 0.0),
        ("Sun, 01 Mar 2026 09:00:00 GMT", SERVER_DATE, 0.0),
        ("Sun, 01 Mar 2026 12:00:00 GMT", SERVER_DATE, 7200.0),
        ("Sun, 01 Mar 2026 12:10:00 GMT", "soon", 600.0),
        ("120, 300", None, 300.0),
        ("0000000000000120", None, 120.0),
        ("-5", None, 0.0),
        ("1.5", None, 0.0),
        ("soon", None, 0.0),
        ("9" * 5000, None, 2.0**31),
        ("", None, None),
        ("Sun, 99 Mar 99999 12:10:00 GMT", None, 0.0),
        ("Fri, 31 Dec 9999 23:59:59 -0500", None, 0.0),
        ("x" * 100_000, None, 0.0),
    ],
)
def test_retry_after(value: str, date: str | None, expected: float | None) -> None:
    headers = {"retry-after": value} | ({"date": date} if date else {})
    assert retry_after_s(headers, NOW) == expected


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"cache-control": "max-age=600"}, 600.0),
        ({"cache-control": 'public, Max-Age="600"'}, 600.0),
        ({"cache-control": "max-age=600, max-age=5"}, 600.0),
        ({"cache-control": "max-age=600", "age": "100"}, 500.0),
        ({"cache-control": "max-age=600", "age": "900"}, 0.0),
        ({"cache-control": "max-age=600", "expires": "Sun, 01 Mar 2026 20:00:00 GMT"}, 600.0),
        ({"cache-control": "max-age=600,max-age=5, max-age=x"}, 600.0),
        ({"cache-control": "max-age=31536000000000000000"}, 2.0**31),
        ({"cache-control": "max-age=" + "9" * 5000}, 2.0**31),
        ({"cache-control": "max-age=0"}, 0.0),
        ({"cache-control": "max-age=600", "age": "-100"}, 600.0),
        ({"cache-control": "max-age=600", "age": "1.5"}, 600.0),
        ({"cache-control": "max-age=600", "date": "Thu, 01 Jan 1970 00:00:00 GMT"}, 600.0),
        ({"cache-control": "max-age=-1"}, None),
        ({"cache-control": "max-age="}, None),
        ({"cache-control": "max-age=-1", "expires": "Sun, 01 Mar 2026 13:00:00 GMT"}, 3600.0),
        ({"cache-control": "max-age=1.5"}, None),
        ({"cache-control": "s-maxage=600"}, None),
        ({"cache-control": "no-cache, max-age=600"}, None),
        ({"cache-control": "no-store", "expires": "Sun, 01 Mar 2026 20:00:00 GMT"}, None),
        ({"cache-control": 'no-cache="set-cookie", max-age=600'}, None),
        ({"expires": "Sun, 01 Mar 2026 13:00:00 GMT"}, 3600.0),
        ({"expires": "Sun, 01 Mar 2026 11:00:00 GMT", "date": SERVER_DATE}, 3600.0),
        ({"expires": "Sun, 01 Mar 2026 13:00:00 GMT", "age": "600"}, 3000.0),
        ({"expires": "Wed, 01 Mar 2126 12:00:00 GMT", "date": SERVER_DATE}, 2.0**31),
        ({"expires": "0"}, None),
        ({"expires": "-1"}, None),
        ({"expires": "Sun, 01 Mar 2026 11:00:00 GMT"}, None),
        ({}, None),
    ],
)
def test_freshness(headers: dict[str, str], expected: float | None) -> None:
    assert freshness_s(headers, NOW) == expected
