"""`watcher feeds …`: checking addresses, adding by a page, lists of feeds, and what is told of each."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from row_factories import add_feed, now
from services.web import HttpSink
from sqlalchemy import update
from typer.testing import CliRunner

from watcher.cli.feed_add import quoted
from watcher.cli.feeds import app
from watcher.fetch.discover import USUAL_PLACES
from watcher.fetch.words import span
from watcher.model import FeedConfig, Health
from watcher.parse.opml import read_opml
from watcher.store import feeds
from watcher.store.database import Database
from watcher.store.schema import feeds as rows

RSS = b"<rss version='2.0'><channel><title>News</title><item><title>One</title></item></channel></rss>"
LINK = '<link rel="alternate" type="application/rss+xml" title="{title}" href="{href}">'


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    status: int
    out: str
    err: str

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The JSON lines on standard output."""
        return [json.loads(line) for line in self.out.split("\n") if line]


Command = Callable[..., Done]


@pytest.fixture
def watcher(sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs `watcher feeds …` in this process on a database of its own; loopback is allowed unless told otherwise."""
    (tmp_path / "watcher.yml").write_text("feeds: []\n")
    for name, value in {
        "WATCHER_DATABASE_URL": sqlite_url,
        "WATCHER_CONFIG_PATH": str(tmp_path / "watcher.yml"),
        "WATCHER_DATA_DIR": str(tmp_path),
        "WATCHER_HOST_SPACING_S": "0",
        "COLUMNS": "80",
        "NO_COLOR": "1",
    }.items():
        monkeypatch.setenv(name, value)

    def run(*arguments: str, allow: str = "127.0.0.0/8", stdin: bytes = b"", columns: int = 80) -> Done:
        monkeypatch.setenv("WATCHER_ALLOW_PRIVATE", allow)
        monkeypatch.setenv("COLUMNS", str(columns))
        result = CliRunner().invoke(app, list(arguments), input=stdin)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            from watcher.errors import WatcherError

            assert isinstance(result.exception, (WatcherError, OSError)), result.exception
            return Done(status=1, out=result.stdout, err=f"{result.stderr}{result.exception}")
        return Done(status=result.exit_code, out=result.stdout, err=result.stderr)

    return run


@pytest.fixture
def stored(sqlite_url: str) -> Iterator[Database]:
    opened = Database(sqlite_url)
    yield opened
    opened.close()


def known(stored: Database) -> list[dict[str, Any]]:
    with stored.read() as conn:
        return feeds.listing(conn)


# ── check ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def check(watcher: Command, body: bytes, *more: str, allow: str = "") -> list[tuple[str, bool]]:
    done = watcher("check", "--input", "-", "--json", *more, stdin=body, allow=allow)
    assert done.status == 0
    assert [set(row) for row in done.rows] == [{"url", "allowed", "reason"}] * len(done.rows)
    assert all(row["reason"] for row in done.rows)
    return [(row["url"], row["allowed"]) for row in done.rows]


def test_check_answers_every_line_in_its_order(watcher: Command, tmp_path: Path) -> None:
    (tmp_path / "urls.txt").write_text(
        "https://example.com/feed\nhttp://127.1/\n\nHTTP://EXAMPLE.COM:8080\nftp://x.example/\n"
    )
    done = watcher("check", "--input", str(tmp_path / "urls.txt"), "--json", "--strict", allow="")
    assert done.status == 3
    assert done.rows == [
        {
            "url": "https://example.com/feed",
            "allowed": True,
            "reason": "a name; its addresses are checked when it is contacted",
        },
        {"url": "http://127.1/", "allowed": False, "reason": "a numeric host must be a plain dotted IPv4 address"},
        {"url": "", "allowed": False, "reason": "an empty line"},
        {
            "url": "HTTP://EXAMPLE.COM:8080",
            "allowed": True,
            "reason": "a name; its addresses are checked when it is contacted",
        },
        {"url": "ftp://x.example/", "allowed": False, "reason": "only http:// and https:// URLs are contacted"},
    ]


@pytest.mark.parametrize(
    ("body", "answers"),
    [
        (b"", []),
        (b"\n", [("", False)]),
        (b"\n\n\n", [("", False)] * 3),
        (b"http://example.com/", [("http://example.com/", True)]),
        (b"http://example.com/\r\n\thttp://example.org/ \r\n",
         [("http://example.com/", True), ("\thttp://example.org/ ", True)]),
        (b"\xef\xbb\xbfhttp://example.com/\n", [("http://example.com/", True)]),
        ("http://example.com/\nhttp://10.1/\n".encode("utf-16"),
         [("http://example.com/", True), ("http://10.1/", False)]),
        (b"http://\xff\xfe.example/\n\x00\n", [("http://\ufffd\ufffd.example/", False), ("\x00", False)]),
        (b"http://exa\x0bmple.com/\x0c\x1c\x85\n", [("http://exa\x0bmple.com/\x0c\x1c\ufffd", False)]),
        ("http://example.com/\u2028x\u0085y\n".encode(), [("http://example.com/\u2028x\u0085y", False)]),
        (b"\xed\xa0\x80\n", [("\ufffd\ufffd\ufffd", False)]),
        (b"x" * 1_000_000, [("x" * 1_000_000, False)]),
    ],
)  # fmt: skip
def test_check_takes_any_bytes(watcher: Command, body: bytes, answers: list[tuple[str, bool]]) -> None:
    assert check(watcher, body) == answers


def test_check_takes_every_byte_there_is(watcher: Command) -> None:
    body = b"\n".join(b"http://a" + bytes([byte]) + b"b.example/" + bytes([byte]) for byte in range(256))
    assert len(check(watcher, body)) == 258  # one of the bytes is the line feed, twice


def test_check_takes_urls_as_arguments_and_tells_them_to_people(watcher: Command) -> None:
    done = watcher("check", "http://example.com/", "http://10.0.0.1/\x1b[2J", allow="")
    assert done.status == 0
    assert done.out == (
        "allowed  http://example.com/\n"
        "         a name; its addresses are checked when it is contacted\n"
        "refused  http://10.0.0.1/\\x1b[2J\n"
        "         the URL holds a space, a control character or a backslash\n"
    )
    assert done.err == "2 URLs: 1 allowed, 1 refused\n"


def test_a_strict_check_ends_with_0_where_nothing_is_refused(watcher: Command) -> None:
    assert watcher("check", "http://example.com/", "--strict", allow="").status == 0
    assert watcher("check", "--input", "-", "--strict", stdin=b"http://example.com/\n\n", allow="").status == 0


def test_check_knows_the_allowed_networks(watcher: Command) -> None:
    assert check(watcher, b"http://10.1.2.3/\n", allow="10.0.0.0/8") == [("http://10.1.2.3/", True)]
    assert check(watcher, b"http://10.1.2.3/\nhttp://bridge:3000/\n", "--allow", "10.0.0.0/8") == [
        ("http://10.1.2.3/", True),
        ("http://bridge:3000/", True),
    ]
    assert check(watcher, b"http://bridge:3000/\nhttp://bridge/\n", "--allow", "bridge:3000") == [
        ("http://bridge:3000/", True),
        ("http://bridge/", False),
    ]
    assert check(watcher, b"http://localhost/\nhttp://169.254.169.254/\n", "--allow", "10.0.0.0/8") == [
        ("http://localhost/", False),
        ("http://169.254.169.254/", False),
    ]


def test_check_resolves_names_only_when_asked(watcher: Command) -> None:
    done = watcher("check", "http://localhost/", "--resolve", "--json", allow="127.0.0.0/8 ::1/128")
    assert done.status == 0
    assert done.rows[0]["reason"].startswith("resolves to ")
    done = watcher("check", "http://no-such-name.invalid/", "--resolve", "--strict", "--json", allow="")
    assert (done.status, done.rows[0]["allowed"]) == (3, False)
    assert watcher("check", "http://no-such-name.invalid/", allow="").status == 0


@pytest.mark.parametrize("arguments", [("check",), ("check", "http://x.example/", "--allow", "intranet")])
def test_check_without_anything_to_check_is_misuse(watcher: Command, arguments: tuple[str, ...]) -> None:
    assert watcher(*arguments).status == 2


def test_check_of_a_file_that_is_not_there_fails(watcher: Command, tmp_path: Path) -> None:
    assert watcher("check", "--input", str(tmp_path / "none")).status == 1


# ── add ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def page(server: HttpSink, *links: str) -> str:
    server.answer("/page", headers={"Content-Type": "text/html"}, body="".join(links).encode())
    return server.url("/page")


def test_a_feed_is_added_at_once(watcher: Command, stored: Database, feed_server: HttpSink) -> None:
    url = feed_server.serve("/rss", RSS)
    done = watcher("add", url, "--tag", "biotech")
    assert (done.status, done.out) == (
        0,
        'added "News" with 1 entry; what it holds now is history and alerts nobody (--alert-history all would)\n',
    )
    assert [(row["url"], row["origin"], row["tags"]) for row in known(stored)] == [(url, "cli", ["biotech"])]
    assert watcher("add", url).out == "known already\n"
    assert len(feed_server.requests) == 1


def test_the_one_feed_of_a_page_is_added(watcher: Command, stored: Database, feed_server: HttpSink) -> None:
    url = page(feed_server, LINK.format(title="News", href="/rss"))
    done = watcher("add", url, "--alert-history", "all")
    assert done.out == f'added "News" {feed_server.url("/rss")}\n'
    assert [row["url"] for row in known(stored)] == [feed_server.url("/rss")]


def test_of_several_feeds_a_person_chooses(watcher: Command, stored: Database, feed_server: HttpSink) -> None:
    links = (LINK.format(title="Papers", href="/p?a=1&amp;b=2"), LINK.format(title="News", href="/rss"))
    url = page(feed_server, *links)
    done = watcher("add", url)
    assert done.status == 1
    assert done.out == (
        f"{url} names 2 feeds; nothing was added yet. Add the one you mean:\n\n"
        f"  Papers\n  watcher feeds add '{feed_server.url('/p?a=1&b=2')}'\n\n"
        f"  News\n  watcher feeds add {feed_server.url('/rss')}\n\n"
        "or add the first with --first, or every one with --all\n"
    )
    assert known(stored) == []
    assert watcher("add", url, "--first").status == 0
    assert [row["url"] for row in known(stored)] == [feed_server.url("/p?a=1&b=2")]
    assert watcher("add", url, "--all").out.startswith(f'known already "Papers" {feed_server.url("/p?a=1&b=2")}\nadded')
    assert len(known(stored)) == 2


def test_a_page_without_feeds_says_so_after_four_polite_looks(
    watcher: Command, stored: Database, feed_server: HttpSink
) -> None:
    url = page(feed_server, "<p>nothing</p>")
    done = watcher("add", url)
    assert (done.status, done.out) == (1, "")
    assert "is no feed, names none" in done.err
    assert [request.path for request in feed_server.requests] == ["/page", *USUAL_PLACES]
    assert known(stored) == []


@pytest.mark.parametrize("option", ["--unchecked", "--force"])
def test_a_feed_can_be_added_without_a_network(watcher: Command, stored: Database, option: str) -> None:
    done = watcher("add", "http://127.0.0.1:1/rss")
    assert (done.status, done.err.strip()) == (
        1,
        "http://127.0.0.1:1/rss: 127.0.0.1 does not accept connections; --unchecked adds it without looking",
    )
    assert watcher("add", "http://127.0.0.1:1/rss", option).status == 0
    assert [row["url"] for row in known(stored)] == ["http://127.0.0.1:1/rss"]


@pytest.mark.parametrize("option", [(), ("--unchecked",)])
def test_a_refused_address_is_never_added(watcher: Command, stored: Database, option: tuple[str, ...]) -> None:
    done = watcher("add", "http://169.254.169.254/latest", *option, allow="")
    assert (done.status, known(stored)) == (1, [])
    assert "169.254.169.254 is a link-local address" in done.err


def test_another_spelling_of_a_known_feed_is_known(watcher: Command, stored: Database) -> None:
    watcher("add", "HTTP://Feeds.Example.COM:80/rss#top", "--unchecked")
    assert [row["url"] for row in known(stored)] == ["http://feeds.example.com/rss"]
    assert watcher("add", "http://feeds.example.com./rss").out == "known already\n"
    assert watcher("remove", "http://FEEDS.example.com/rss").out == "removed\n"


@pytest.mark.parametrize(
    ("url", "word"),
    [("https://a.example/b", "https://a.example/b"), ("https://a.example/?a=1&b=2", "'https://a.example/?a=1&b=2'"),
     ("https://a.example/$(x)'`y`", "'https://a.example/$(x)%27`y`'")],
)  # fmt: skip
def test_a_command_to_copy_is_safe_in_a_shell(url: str, word: str) -> None:
    assert quoted(url) == word


# ── import and export ────────────────────────────────────────────────────────────────────────────────────────────────

OPML = """<?xml version="1.0"?>
<opml version="2.0"><head><title>Mine</title></head><body>
<outline text="Biotech">
<outline type="rss" text="STAT" xmlUrl="https://stat.example/feed" language="en-US"/>
<outline type="rss" text="Bad" xmlUrl="http://169.254.169.254/"/>
</outline>
<outline text="again" xmlUrl="HTTPS://STAT.example/feed"/>
<outline text="known" xmlUrl="http://127.0.0.1:1/known"/>
<outline type="include" url="https://more.example/list.opml"/>
</body></opml>"""


def test_import_takes_what_is_good_and_tells_the_rest_by_its_line(
    watcher: Command, stored: Database, tmp_path: Path
) -> None:
    watcher("add", "http://127.0.0.1:1/known", "--unchecked")
    (tmp_path / "in.opml").write_text(OPML)
    dry = watcher("import", str(tmp_path / "in.opml"), "--dry-run")
    assert (dry.status, dry.out) == (3, "1 would be added, 1 known already, 1 repeated, 1 refused\n")
    assert len(known(stored)) == 1
    done = watcher("import", str(tmp_path / "in.opml"), "--tag", "mine")
    assert (done.status, done.out) == (3, "1 added, 1 known already, 1 repeated, 1 refused\n")
    assert done.err.splitlines() == [
        "line 5: http://169.254.169.254/: 169.254.169.254 is a link-local address (169.254.0.0/16)",
        "line 7: https://stat.example/feed is listed before",
        "line 9: the list https://more.example/list.opml is not fetched; download it and import it too",
    ]
    added = known(stored)[1]
    assert (added["url"], added["title"], added["language"]) == ("https://stat.example/feed", "STAT", "en")
    assert (added["tags"], added["origin"]) == (["Biotech", "mine"], "cli")


def test_import_reports_to_machines(watcher: Command) -> None:
    done = watcher("import", "-", "--json", stdin=OPML.encode())
    assert json.loads(done.out) == {
        "title": "Mine",
        "added": ["https://stat.example/feed", "http://127.0.0.1:1/known"],
        "known": [],
        "repeated": [{"line": 7, "url": "https://stat.example/feed", "reason": "listed before"}],
        "refused": [
            {
                "line": 5,
                "url": "http://169.254.169.254/",
                "reason": "169.254.169.254 is a link-local address (169.254.0.0/16)",
            }
        ],
        "over": 0,
        "lists": [{"line": 9, "url": "https://more.example/list.opml"}],
    }


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b'<!DOCTYPE o [<!ENTITY x SYSTEM "file:///etc/passwd">]><opml/>', "document type declaration"),
        (b"<html>", "not well-formed"),
        (b"", "an empty document"),
    ],
)
def test_import_of_what_is_no_opml_fails(watcher: Command, body: bytes, why: str) -> None:
    done = watcher("import", "-", stdin=body)
    assert (done.status, done.out) == (1, "")
    assert why in done.err


def test_export_and_import_bring_the_same_feeds(watcher: Command, stored: Database, tmp_path: Path) -> None:
    watcher("import", "-", stdin=OPML.encode())
    done = watcher("export", str(tmp_path / "out.opml"))
    assert (done.status, done.out) == (0, f"{tmp_path / 'out.opml'}: 2 feeds\n")
    document = (tmp_path / "out.opml").read_bytes()
    exported = [(feed.url, feed.title, feed.tags, feed.language) for feed in read_opml(document).outlines]
    assert sorted(exported) == [
        ("http://127.0.0.1:1/known", "known", (), None),
        ("https://stat.example/feed", "STAT", ("Biotech",), "en"),
    ]
    assert watcher("import", str(tmp_path / "out.opml")).out == "0 added, 2 known already\n"
    for url in ("http://127.0.0.1:1/known", "https://stat.example/feed"):
        watcher("remove", url)
    assert watcher("import", str(tmp_path / "out.opml")).out == "2 added, 0 known already\n"
    back = {row["url"]: (row["title"], row["tags"], row["language"]) for row in known(stored)}
    assert back == {url: (title, list(tags), language) for url, title, tags, language in exported}


def test_export_goes_to_standard_output_and_names_what_it_leaves_out(watcher: Command, stored: Database) -> None:
    from watcher.model import Secret

    add_feed(stored, url="https://private.example/feed", headers={"Authorization": Secret(env="TOKEN")})
    done = watcher("export", "--opml")
    assert [feed.url for feed in read_opml(done.out.encode()).outlines] == ["https://private.example/feed"]
    assert done.err == "https://private.example/feed needs Authorization, which is not written\n"
    assert "TOKEN" not in done.out


def test_a_reload_of_the_file_leaves_added_and_imported_feeds_alone(watcher: Command, stored: Database) -> None:
    watcher("import", "-", stdin=OPML.encode())
    with stored.write() as conn:
        feeds.sync_file(conn, [FeedConfig(url="https://file.example/")], now=now())
        feeds.sync_file(conn, [FeedConfig(url="https://stat.example/feed", title="By the file")], now=now())
    left = {row["url"]: (row["origin"], row["title"]) for row in known(stored)}
    assert left == {
        "http://127.0.0.1:1/known": ("cli", "known"),
        "https://stat.example/feed": ("cli", "STAT"),
    }


def test_ten_thousand_feeds_are_imported_and_the_rest_is_told(watcher: Command, stored: Database) -> None:
    outlines = "".join(f'<outline xmlUrl="https://f{n}.example/"/>' for n in range(10_003))
    done = watcher("import", "-", stdin=f"<opml><body>{outlines}</body></opml>".encode())
    assert (done.status, done.out) == (3, "10000 added, 0 known already\n")
    assert done.err == "3 feeds over 10000 were left out; import them from a file of their own\n"
    assert len(known(stored)) == 10_000


# ── list, show, poll, remove ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def three(stored: Database) -> dict[str, int]:
    """A healthy feed, one that fails, and one that was never polled."""
    ids = {name: add_feed(stored, url=f"https://{name}.example/feed") for name in ("good", "bad", "new")}
    at = now()
    good = {"title": "Good news", "health": Health.HEALTHY, "last_outcome": "changed", "last_status": 200}
    good |= {"last_polled_at": at - timedelta(minutes=20), "next_poll_at": at + timedelta(minutes=40, seconds=30)}
    good |= {"next_poll_reason": "habit", "habit_s": 7200.0}
    bad = {"title": "坏消息", "health": Health.FAILING, "last_outcome": "server_error", "last_status": 503}
    bad |= {"last_polled_at": at - timedelta(hours=3), "next_poll_at": at + timedelta(hours=4, minutes=5)}
    bad |= {"next_poll_reason": "back_off", "error_count": 6, "health_reason": "6 polls in a row failed: 503"}
    bad |= {"failing_since": at - timedelta(days=2)}
    with stored.write() as conn:
        for name, values in (("good", good), ("bad", bad)):
            conn.execute(update(rows).where(rows.c.id == ids[name]).values(**values))
    return ids


def test_the_list_says_when_and_why_each_feed_is_polled_next(watcher: Command, three: dict[str, int]) -> None:
    done = watcher("list", columns=120)
    lines = [line.rstrip() for line in done.out.splitlines()]
    good = lines.index(f"{three['good']:>4}  Good news  healthy  https://good.example/feed")
    assert lines[good + 1].startswith("      polled changed, 20 min ago; next ")
    assert lines[good + 1].endswith(" UTC, in 40 min: how often it posts")
    bad = lines.index(f"{three['bad']:>4}  坏消息  failing  https://bad.example/feed")
    assert lines[bad + 1].startswith("      polled server error (503), 3 h ago; next ")
    assert lines[bad + 1].endswith(" UTC, in 4 h: longer after each failure")
    assert lines[bad + 2].startswith("      6 polls in a row failed: 503, since ")
    assert lines[-1] == "3 feeds: 1 new, 1 healthy, 1 failing"


@pytest.mark.parametrize("columns", [40, 60, 80, 120, 200])
def test_the_list_fits_its_width(watcher: Command, three: dict[str, int], columns: int) -> None:
    done = watcher("list", columns=columns)
    assert max(len(line) for line in done.out.splitlines()) <= columns
    for words in ("Good news", "https://good.example/feed", "坏消息", "UTC", "healthy"):
        assert words in done.out


def test_the_list_gives_all_to_machines(watcher: Command, three: dict[str, int]) -> None:
    told = [json.loads(line) for line in watcher("list", "--json").out.splitlines()]
    assert [row["id"] for row in told] == [three["bad"], three["good"], three["new"]]
    wanted = {"health", "health_reason", "next_poll_at", "next_poll_reason", "asked_url", "flagged", "failing_since"}
    assert wanted <= set(told[0])


def test_show_tells_everything_of_one_feed_by_its_id_or_its_url(watcher: Command, three: dict[str, int]) -> None:
    by_id = watcher("show", str(three["bad"]))
    assert by_id.status == 0
    assert by_id.out == watcher("show", "HTTPS://bad.example/feed").out
    for words in ("坏消息  failing", "trouble", "6 polls in a row failed: 503", "longer after each failure"):
        assert words in by_id.out
    told = json.loads(watcher("show", str(three["bad"]), "--json").out)
    assert (told["url"], told["items"], told["newest"], told["headers"]) == ("https://bad.example/feed", 0, [], [])


@pytest.mark.parametrize("which", ["99", "https://none.example/", "99999999999999999999999", "nonsense", "٣"])
@pytest.mark.parametrize("verb", ["show", "remove", "poll"])
def test_a_feed_that_is_not_there_is_said_to_be_not_there(watcher: Command, verb: str, which: str) -> None:
    done = watcher(verb, which)
    assert done.status == 1
    assert f"no feed has the URL or id {which}" in done.err


def test_poll_makes_the_named_feeds_due_and_no_other(watcher: Command, three: dict[str, int], stored: Database) -> None:
    assert watcher("poll", str(three["good"])).out == "1 feed is due now\n"
    due = {row["id"] for row in known(stored) if row["next_poll_at"] <= now()}
    assert due == {three["good"], three["new"]}
    assert watcher("poll").out == "3 feeds are due now\n"


def test_remove_names_the_file_where_it_stands_there(watcher: Command, stored: Database) -> None:
    with stored.write() as conn:
        feeds.sync_file(conn, [FeedConfig(url="https://file.example/")], now=now())
    one = known(stored)[0]["id"]
    assert watcher("remove", str(one)).out == "removed; if watcher.yml names it, take it out there too\n"
    again = watcher("remove", str(one))
    assert (again.status, "https://file.example/ is removed already" in again.err) == (1, True)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59, "59 s"), (120, "2 min"), (5399, "90 min"), (7200, "2 h"), (-7200, "2 h"), (86400 * 3, "3 days")],
)
def test_a_length_of_time_is_told_in_its_largest_unit(seconds: float, words: str) -> None:
    assert span(seconds) == words
