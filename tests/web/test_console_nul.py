"""A NUL in what somebody writes, which PostgreSQL takes nowhere, is answered by the console as any other word is."""

from __future__ import annotations

from pathlib import Path

from reading import at_desk, hidden, open_service


def test_a_nul_finds_nothing_and_breaks_nothing(database_url: str, tmp_path: Path) -> None:
    rt = open_service(database_url, tmp_path)
    with at_desk(rt) as client:
        found = {
            path: client.get(path).status_code
            for path in (
                "/feeds?text=%00",
                "/audit?who=%00&action=a%00b",
                "/deliveries?q=%00&channel=%00&subscription=%00",
                "/digests?subscription=%00",
                "/subscribers?q=a%00b",
            )
        }
        assert set(found.values()) == {200}, found
        gone = ("/subscribers/a%00b", "/digests/preview/a%00b", "/digests/preview/a%00b/html", "/rules/a%00b")
        assert {path: client.get(path).status_code for path in gone} == dict.fromkeys(gone, 404)
        seal = hidden(client.get("/suppressions").text)
        assert client.post("/suppressions", data={"seal": seal, "address_key": "\x00"}).status_code == 409
    rt.close()
