"""The doctor: every judgement by itself, then the whole of it on real services, sick ones among them."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from services.smtp import SmtpInbox
from services.valkey import Valkey

from watcher import runtime, settings
from watcher.pipeline import doctor
from watcher.pipeline.doctor import Finding, Verdict, broker, machine, rows, ways
from watcher.runtime import Runtime
from watcher.store.condition import Condition

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
CONFIG = """feeds: []
channels:
  me: {kind: email, to: reader@desk.test, sender: watcher@desk.test, smtp_url: "smtp://127.0.0.1:%d"}
  stuck: {kind: email, to: reader@desk.test, sender: watcher@desk.test, smtp_url: "smtp://127.0.0.1:%d"}
  near: {kind: webhook, url: "http://127.0.0.1:8080/x", secret: {file: secret}, allow_private: true}
  refused: {kind: webhook, url: "http://169.254.169.254/x", secret: {file: secret}}
subscriptions:
  daily: {channels: [me], when: "daily 08:00", zone: Asia/Shanghai}
ops: [me]
"""


def _verdicts(found: list[Finding]) -> dict[str, Verdict]:
    return {one.check: one.verdict for one in found}


@pytest.mark.parametrize(
    "about, check, verdict",
    [
        ({"maxmemory_policy": "noeviction"}, "broker policy", Verdict.OK),
        ({"maxmemory_policy": "allkeys-lru"}, "broker policy", Verdict.BAD),
        ({"maxmemory_policy": "volatile-ttl"}, "broker policy", Verdict.BAD),
        ({"aof_enabled": 0}, "broker persistence", Verdict.WARN),
        ({"aof_enabled": 1}, "broker persistence", Verdict.OK),
        ({"maxmemory": 100, "used_memory": 81}, "broker memory", Verdict.WARN),
        ({"maxmemory": 100, "used_memory": 80}, "broker memory", Verdict.OK),
        ({"maxmemory": 0, "used_memory": 10**12}, "broker memory", Verdict.OK),
    ],
)
def test_what_a_broker_says_of_itself_is_judged(about: dict[str, Any], check: str, verdict: Verdict) -> None:
    assert _verdicts(list(broker.judge(about)))[check] is verdict


@pytest.mark.parametrize(
    "found, check, verdict",
    [
        (Condition(version="SQLite 3", size_bytes=1, journal="wal"), "database file", Verdict.OK),
        (Condition(version="SQLite 3", size_bytes=1, journal="delete"), "database file", Verdict.BAD),
        (Condition(version="SQLite 3", size_bytes=1, journal="wal", faults=("row 1",)), "database file", Verdict.BAD),
        (Condition(version="P", size_bytes=1, connections=80, connections_max=100), "connections", Verdict.OK),
        (Condition(version="P", size_bytes=1, connections=81, connections_max=100), "connections", Verdict.WARN),
    ],
)
def test_what_a_database_says_of_itself_is_judged(found: Condition, check: str, verdict: Verdict) -> None:
    assert _verdicts(list(rows.judge(found)))[check] is verdict


@pytest.mark.parametrize(
    "ahead_s, newest_s, verdict",
    [
        (0, None, Verdict.OK),
        (-2, -60, Verdict.OK),
        (2.1, None, Verdict.WARN),
        (-31, None, Verdict.BAD),
        (0, 1, Verdict.OK),
        (0, 3, Verdict.BAD),
    ],
)
def test_clocks_that_differ_or_have_gone_back_are_told(
    ahead_s: float, newest_s: float | None, verdict: Verdict
) -> None:
    newest = None if newest_s is None else NOW + timedelta(seconds=newest_s)
    assert rows.clocks(timedelta(seconds=ahead_s), newest, now=NOW, own=True).verdict is verdict


@pytest.mark.parametrize(
    "version, verdict",
    [((2, 4, 0), Verdict.BAD), ((2, 4, 1), Verdict.WARN), ((2, 6, 3), Verdict.WARN), ((2, 6, 4), Verdict.OK)],
)
def test_expat_is_to_bound_what_entities_grow_to(version: tuple[int, ...], verdict: Verdict) -> None:
    assert machine.expat_of(version).verdict is verdict


@pytest.mark.parametrize(
    "records, verdict",
    [
        ((), Verdict.WARN),
        (("google-site-verification=x",), Verdict.WARN),
        (("v=spf1 include:mail.example -all",), Verdict.OK),
        (("v=spf1 -all", "v=spf1 ~all"), Verdict.BAD),
        (("v=spf1 +all",), Verdict.BAD),
        (("v=spf10 -all",), Verdict.WARN),
    ],
)
def test_spf_is_judged(records: tuple[str, ...], verdict: Verdict) -> None:
    assert ways.spf("news.example", records).verdict is verdict


@pytest.mark.parametrize(
    "records, verdict",
    [((), Verdict.WARN), (("v=DMARC1; p=none",), Verdict.OK), (("V=dmarc1;p=reject",), Verdict.OK)],
)
def test_dmarc_is_judged(records: tuple[str, ...], verdict: Verdict) -> None:
    assert ways.dmarc("news.example", records).verdict is verdict


@pytest.mark.parametrize(
    "records, verdict",
    [
        ((), Verdict.BAD),
        (("v=DKIM1; k=rsa; p=",), Verdict.BAD),
        (("v=DKIM1; k=rsa; p=MIGf",), Verdict.OK),
        (("p=MIGf",), Verdict.OK),
        (("something else",), Verdict.BAD),
    ],
)
def test_a_dkim_key_is_judged(records: tuple[str, ...], verdict: Verdict) -> None:
    assert ways.dkim_key("a._domainkey.news.example", records).verdict is verdict


# ── on real services ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def silent() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def _opened(database_url: str, folder: Path, text: str, **environ: str) -> Runtime:
    (folder / "watcher.yml").write_text(text)
    (folder / "secret").write_text("whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")
    (folder / "secret").chmod(0o644)
    named = {
        "WATCHER_DATABASE_URL": database_url,
        "WATCHER_DATA_DIR": str(folder),
        "WATCHER_CONFIG_PATH": str(folder / "watcher.yml"),
        "WATCHER_RULES_DIR": str(Path(__file__).parents[1] / "line" / "rules"),
    }
    return runtime.open(settings.load(named | environ))


def test_sick_and_sound_parts_are_told_apart_and_one_that_hangs_delays_nobody(
    database_url: str, valkey: Valkey, smtp_inbox: SmtpInbox, silent: int, tmp_path: Path
) -> None:
    rt = _opened(database_url, tmp_path, CONFIG % (smtp_inbox.port, silent), WATCHER_REDIS_URL=valkey.url)
    began = time.monotonic()
    found = doctor.run(rt, within_s=3)
    took_s = time.monotonic() - began
    rt.close()
    verdicts = _verdicts(found)
    assert took_s < 8
    assert verdicts["mail stuck"] is Verdict.BAD
    assert {name: verdicts[name] for name in ("mail me", "webhook near", "database", "broker", "broker policy")} == (
        dict.fromkeys(("mail me", "webhook near", "database", "broker", "broker policy"), Verdict.OK)
    )
    assert verdicts["webhook refused"] is Verdict.BAD
    assert [one.told for one in found if one.check == "secrets" and "secret " in one.told] == [
        f"{tmp_path / 'secret'} is open to everybody (0644)"
    ]
    assert verdicts["dns desk.test"] is Verdict.SKIPPED
    assert smtp_inbox.mails == []
    assert doctor.worst(found) is Verdict.BAD


def test_mistakes_in_files_are_told_with_their_lines_and_all_else_is_looked_at(sqlite_url: str, tmp_path: Path) -> None:
    rt = _opened(sqlite_url, tmp_path, "feeds: []\nchanels: {}\n", WATCHER_REDIS_URL="redis://127.0.0.1:1/0")
    found = {one.check: one for one in doctor.run(rt, within_s=5)}
    rt.close()
    assert found["configuration"].verdict is Verdict.BAD
    assert f"{tmp_path / 'watcher.yml'}:2" in found["configuration"].told
    assert found["broker"].verdict is Verdict.BAD
    assert found["database file"].verdict is Verdict.OK


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-lru"])
def test_a_real_broker_that_evicts_is_told_and_no_worker_starts_on_it(
    sqlite_url: str, valkey: Valkey, tmp_path: Path, policy: str
) -> None:
    from watcher.errors import CannotHelp
    from workers.app import configure
    from workers.main import refuse_evicting_broker

    rt = _opened(sqlite_url, tmp_path, "feeds: []\n", WATCHER_REDIS_URL=valkey.url)
    with valkey.client() as client:
        client.config_set("maxmemory-policy", policy)
        try:
            found = {one.check: one for one in broker.look(rt)}
            with pytest.raises(CannotHelp, match=policy):
                refuse_evicting_broker(configure(rt.settings))
        finally:
            client.config_set("maxmemory-policy", "noeviction")
    assert found["broker policy"].verdict is Verdict.BAD
    refuse_evicting_broker(configure(rt.settings))
    rt.close()


def test_a_check_that_never_ends_is_left_behind() -> None:
    never = threading.Event()

    def hang() -> list[Finding]:
        never.wait(60)
        return []

    began = time.monotonic()
    found = doctor._together({"one": list, "stuck": hang}, within_s=0.3)
    never.set()
    assert time.monotonic() - began < 2
    assert [(one.check, one.verdict, one.told) for one in found] == [("stuck", Verdict.BAD, "no answer within 0.3 s")]
