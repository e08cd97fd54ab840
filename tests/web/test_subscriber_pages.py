"""Sign-up, confirmation, settings and erasure over a real server: what is kept and sent, and what nobody learns."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from reading import CONFIG, PUBLIC, asked, configure, everything, fill, hidden, open_service, rows, served
from row_factories import add_event, now

from watcher.model import Envelope, Language, Window
from watcher.pipeline import signup
from watcher.pipeline.links import links
from watcher.runtime import Runtime
from watcher.signing import Purpose, address_key
from watcher.store import deliveries, digests, readers, verdicts
from watcher.store import subscriptions as subscription_rows
from watcher.store.schema import attempts, channels, mutes, signups, subscriptions, suppressions
from watcher.store.schema import deliveries as delivery_rows
from watcher.store.schema import digests as digest_rows
from watcher.store.schema import verdicts as verdict_rows


@pytest.fixture
def rt(database_url: str, tmp_path: Path) -> Iterator[Runtime]:
    opened = open_service(database_url, tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def client(rt: Runtime) -> Iterator[httpx.Client]:
    with served(rt) as opened:
        yield opened


TIMES = 1000 if "TESTS_WHOLE" in os.environ else 150
only_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def path(rt: Runtime, purpose: Purpose, subscription_id: str) -> str:
    return f"/{purpose}/{links(rt).token(purpose, s=subscription_id)}"


def own(rt: Runtime) -> list[dict[str, Any]]:
    made = [row for row in rows(rt, subscriptions) if row["origin"] == "page"]
    return sorted(made, key=lambda row: row["created_at"])


def letters(rt: Runtime) -> list[dict[str, Any]]:
    return [row for row in rows(rt, digest_rows) if row["window"].startswith("letter:")]


def signed_up(rt: Runtime, client: httpx.Client, **changes: Any) -> str:
    """Somebody who has signed up and confirmed; the id of the subscription."""
    fill(client, "/subscribe", asked(**changes))
    made: str = own(rt)[-1]["id"]
    fill(client, path(rt, Purpose.CONFIRM, made), {})
    return made


def forget_who_asked(rt: Runtime) -> None:
    """Move every sign-up two days into the past."""
    with rt.database.write() as conn:
        for row in conn.execute(signups.select()).all():
            earlier = {"asked_at": row.asked_at - timedelta(days=2)}
            earlier |= {"mailed_at": row.mailed_at and row.mailed_at - timedelta(days=2)}
            conn.execute(signups.update().where(signups.c.id == row.id).values(**earlier))


# ── sign-up ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_sign_up_makes_a_subscription_that_waits_and_one_letter(rt: Runtime, client: httpx.Client) -> None:
    answer = fill(client, "/subscribe", asked(rules=["funding"], places="Chongqing", at_least="10M USD", language="zh"))
    assert answer.status_code == 200
    assert "Look into your mailbox" in answer.text
    (made,) = own(rt)
    assert made["unconfirmed_since"] is not None
    assert made["address_key"] == address_key("anna@example.org")
    assert (made["config"]["rules"], made["config"]["places"]) == (["funding"], ["Chongqing"])
    assert made["config"]["at_least_usd"] == 10e6
    assert made["config"]["channels"] == [made["id"]]
    (channel,) = [row["config"] for row in rows(rt, channels) if row["origin"] == "page"]
    assert (channel["to"], channel["sender"], channel["smtp_url"]) == (
        "anna@example.org",
        "Watcher <watcher@watch.example>",
        "smtp://127.0.0.1:25",
    )
    (letter,) = letters(rt)
    assert letter["subscription_id"] == made["id"]
    assert letter["notice"]["subject"] == "请确认您的订阅"
    assert letter["notice"]["action_url"].startswith(f"{PUBLIC}/c/")
    (kept,) = rows(rt, signups)
    assert (kept["reason"], kept["subscription_id"], kept["confirmed_at"]) == ("mailed", made["id"], None)
    assert "anna" not in json.dumps(kept, default=str)


def test_who_has_not_confirmed_is_told_nothing(rt: Runtime, client: httpx.Client) -> None:
    fill(client, "/subscribe", asked())
    with rt.database.read() as conn:
        assert [one.id for one in subscription_rows.active(conn)] == ["desk"]


def test_nothing_that_was_typed_stands_in_the_letter(rt: Runtime, client: httpx.Client) -> None:
    typed = {
        "places": "BUYPILLS",
        "parties": "https://evil.example",
        "at_least": "10M USD",
        "address": "x1y2@example.org",
    }
    fill(client, "/subscribe", asked(**typed))
    told = json.dumps(letters(rt)[0]["notice"])
    assert not [one for one in typed.values() if one in told]


def test_the_answer_is_the_same_for_every_address(rt: Runtime, client: httpx.Client) -> None:
    signed_up(rt, client, address="known@example.org")
    fill(client, "/subscribe", asked("waiting@example.org"))
    with rt.database.write() as conn:
        bad = {"address_key": address_key("bounced@example.org"), "reason": "smtp_550", "since": now()}
        conn.execute(suppressions.insert().values(**bad, suppressed_at=now()))
    pages = {}
    for name in ("known", "waiting", "bounced", "nobody"):
        forget_who_asked(rt)
        answer = fill(client, "/subscribe", asked(f"{name}@example.org"))
        pages[name] = (answer.status_code, answer.text, sorted(answer.headers))
    assert len({str(page) for page in pages.values()}) == 1
    assert [row["reason"] for row in rows(rt, signups)][-4:] == ["known", "mailed", "suppressed", "mailed"]


def test_an_address_with_a_subscription_gets_a_letter_to_its_settings_and_nothing_changes(
    rt: Runtime, client: httpx.Client
) -> None:
    made = signed_up(rt, client, places="Seoul")
    forget_who_asked(rt)
    before = own(rt)
    fill(client, "/subscribe", asked(places="Elsewhere"))
    assert own(rt) == before
    assert letters(rt)[-1]["subscription_id"] == made
    assert letters(rt)[-1]["notice"]["action_url"].startswith(f"{PUBLIC}/p/")


def test_a_second_request_before_the_confirmation_replaces_the_first(rt: Runtime, client: httpx.Client) -> None:
    fill(client, "/subscribe", asked(places="Seoul"))
    forget_who_asked(rt)
    fill(client, "/subscribe", asked(places="Chongqing"))
    (made,) = own(rt)
    assert made["config"]["places"] == ["Chongqing"]
    assert len(letters(rt)) == 2


def test_who_has_unsubscribed_may_begin_anew(rt: Runtime, client: httpx.Client) -> None:
    first = signed_up(rt, client)
    client.post(path(rt, Purpose.UNSUBSCRIBE, first), content="List-Unsubscribe=One-Click")
    forget_who_asked(rt)
    second = signed_up(rt, client)
    assert second != first
    assert [row["ended_by"] for row in own(rt)] == ["one_click", None]


@only_sqlite
def test_input_146_a_thousand_sign_ups_for_one_victim_send_one_letter(rt: Runtime) -> None:
    """With tags, dots and capitals, from a thousand networks."""
    wanted = asked_as_subscription()
    for number in range(TIMES):
        local = ("victim", "v.ictim", "VICTIM", f"victim+{number}", f"v.i.c.t.i.m+{number}")[number % 5]
        address = f"{local}@example.org"
        signup.ask(rt, signup.Asked(address=address, wanted=wanted, client=f"{number % 250 + 1}.{number // 250}.2.3"))
    assert len(letters(rt)) == 1
    assert len(own(rt)) == 1
    reasons = [row["reason"] for row in rows(rt, signups)]
    assert (len(reasons), reasons.count("mailed"), reasons.count("mailed_lately")) == (TIMES, 1, TIMES - 1)


@only_sqlite
def test_input_146_a_month_of_sign_ups_sends_a_victim_three_letters(rt: Runtime) -> None:
    begun, wanted = now(), asked_as_subscription()
    for hour in range(0, 29 * 24, 6):
        at = begun + timedelta(hours=hour)
        rt.clock = lambda at=at: at  # type: ignore[misc]
        signup.ask(rt, signup.Asked(address=f"victim+{hour}@example.org", wanted=wanted, client="203.0.113.9"))
    assert len(letters(rt)) == 3


@only_sqlite
def test_input_146_one_client_is_stopped_and_hears_why_whatever_the_address(rt: Runtime, client: httpx.Client) -> None:
    seal = hidden(client.get("/subscribe").text)
    answers = [client.post("/subscribe", data={"seal": seal, **asked(f"a{one}@example.org")}) for one in range(8)]
    assert [one.status_code for one in answers] == [200] * 5 + [429] * 3
    assert answers[-1].headers["retry-after"] == "3600"
    assert len(letters(rt)) == len(rows(rt, signups)) == 5


def test_sign_ups_at_once_count_one_another(rt: Runtime) -> None:
    wanted = asked_as_subscription()

    def ask(number: int) -> str:
        return signup.ask(
            rt, signup.Asked(address=f"victim+{number}@example.org", wanted=wanted, client=f"{number + 1}.0.0.1")
        )

    with ThreadPoolExecutor(8) as pool:
        reasons = sorted(pool.map(ask, range(16)))
    assert reasons == ["mailed"] + ["mailed_lately"] * 15


def asked_as_subscription() -> Any:
    from watcher.web.choices import read_choices
    from watcher.web.forms import Form

    fields = {name: tuple(value) if isinstance(value, list) else (value,) for name, value in asked().items()}
    return read_choices(Form(fields=fields), (), Language.ENGLISH, open_end=True)[0]


@only_sqlite
@pytest.mark.parametrize(
    "address",
    ["a@b.c\r\nRCPT TO:<v@x>", '"a b"@x.org', "x" * 300 + "@example.org", ""],
    ids=["input-147-line-end", "input-147-quoted", "input-147-long", "nothing"],
)
def test_input_147_an_address_that_cannot_be_one_is_told_beside_its_field(
    rt: Runtime, client: httpx.Client, address: str
) -> None:
    answer = fill(client, "/subscribe", asked(address))
    assert answer.status_code == 422
    assert 'aria-describedby="address-hint address-wrong" aria-invalid="true"' in answer.text
    assert 'id="address-wrong">Mail cannot be sent to this address' in answer.text
    assert (own(rt), rows(rt, signups)) == ([], [])


def test_input_147_an_idn_domain_is_written_to_in_ascii(rt: Runtime, client: httpx.Client) -> None:
    fill(client, "/subscribe", asked("anna@bücher.example"))
    (channel,) = [row["config"] for row in rows(rt, channels) if row["origin"] == "page"]
    assert channel["to"] == "anna@xn--bcher-kva.example"


@only_sqlite
def test_a_form_with_mistakes_comes_back_as_it_was_filled_in(rt: Runtime, client: httpx.Client) -> None:
    page = fill(client, "/subscribe", asked("anna@example.org", zone="", places='Seoul, "x" <b>', when="weekly")).text
    assert 'value="anna@example.org"' in page
    assert 'value="Seoul, &#34;x&#34; &lt;b&gt;"' in page
    assert 'value="weekly" checked' in page
    assert 'id="zone-wrong">Choose your time zone.' in page
    assert own(rt) == []


@only_sqlite
def test_a_program_that_fills_in_the_hidden_field_is_answered_and_ignored(rt: Runtime, client: httpx.Client) -> None:
    answer = fill(client, "/subscribe", asked(website="https://spam.example"))
    assert "Look into your mailbox" in answer.text
    assert (own(rt), rows(rt, signups)) == ([], [])


@only_sqlite
@pytest.mark.parametrize("origin", [None, "https://evil.example"], ids=["without", "foreign"])
def test_input_149_a_sign_up_from_another_site_is_none(rt: Runtime, client: httpx.Client, origin: str | None) -> None:
    seal = hidden(client.get("/subscribe").text) if origin else ""
    headers = {"origin": origin} if origin else {}
    assert client.post("/subscribe", data={"seal": seal, **asked()}, headers=headers).status_code == 403
    assert own(rt) == []


@only_sqlite
def test_there_is_no_sign_up_where_watcher_yml_offers_none(rt: Runtime, client: httpx.Client) -> None:
    seal = hidden(client.get("/subscribe").text)
    configure(rt, (CONFIG % (25, 25, PUBLIC)).replace("signup: {channel: mail}", ""))
    assert client.get("/subscribe").status_code == 404
    assert client.post("/subscribe", data={"seal": seal, **asked()}).status_code == 404


@only_sqlite
def test_only_the_rules_that_are_offered_can_be_chosen(rt: Runtime, client: httpx.Client) -> None:
    configure(rt, (CONFIG % (25, 25, PUBLIC)).replace("{channel: mail}", "{channel: mail, rules: [funding]}"))
    page = client.get("/subscribe?lang=zh").text
    assert 'value="funding"' in page
    assert "融资" in page
    assert 'value="licensing-deal"' not in page
    assert 'value="on-trial"' not in page
    assert fill(client, "/subscribe", asked(rules=["*", "licensing-deal"])).status_code == 422


def test_readers_mail_follows_the_operators_channel(rt: Runtime, client: httpx.Client) -> None:
    signed_up(rt, client)
    configure(rt, CONFIG % (2525, 25, PUBLIC))
    (channel,) = [row["config"] for row in rows(rt, channels) if row["origin"] == "page"]
    assert (channel["smtp_url"], channel["to"]) == ("smtp://127.0.0.1:2525", "anna@example.org")


# ── confirmation ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_only_the_button_confirms_and_it_may_be_pressed_twice(rt: Runtime, client: httpx.Client) -> None:
    fill(client, "/subscribe", asked(places="Seoul"))
    address = path(rt, Purpose.CONFIRM, own(rt)[0]["id"])
    for _ in range(3):
        page = client.get(address).text
        assert client.head(address).status_code == 200
    assert "<dt>Places</dt><dd>Seoul</dd>" in page
    assert own(rt)[0]["unconfirmed_since"] is not None
    for _ in range(2):
        assert "You are subscribed" in fill_or_see(client, address, page)
        assert own(rt)[0]["unconfirmed_since"] is None
    assert rows(rt, signups)[0]["confirmed_at"] is not None
    with rt.database.read() as conn:
        assert own(rt)[0]["id"] in [one.id for one in subscription_rows.active(conn)]


def fill_or_see(client: httpx.Client, address: str, page: str) -> str:
    return client.post(address, data={"seal": hidden(page)}).text


def test_what_was_ended_is_not_begun_by_an_old_letter(rt: Runtime, client: httpx.Client) -> None:
    fill(client, "/subscribe", asked())
    made = own(rt)[0]["id"]
    seal = hidden(client.get(path(rt, Purpose.CONFIRM, made)).text)
    client.post(path(rt, Purpose.UNSUBSCRIBE, made), content="List-Unsubscribe=One-Click")
    page = client.post(path(rt, Purpose.CONFIRM, made), data={"seal": seal}).text
    assert "This subscription has ended." in page
    assert own(rt)[0]["unconfirmed_since"] is not None


def test_a_file_subscription_has_nothing_to_confirm(rt: Runtime, client: httpx.Client) -> None:
    assert client.get(path(rt, Purpose.CONFIRM, "desk")).status_code == 404


def test_what_nobody_confirms_in_a_week_is_erased_and_its_hashes_in_a_month(rt: Runtime, client: httpx.Client) -> None:
    fill(client, "/subscribe", asked())
    made, begun = own(rt)[0]["id"], now()

    def forget(**later: int) -> None:
        with rt.database.write() as conn:
            signup.forget_signups(conn, now=begun + timedelta(**later))

    forget(days=6)
    assert len(own(rt)) == 1
    forget(days=8)
    assert own(rt) == []
    assert "anna" not in json.dumps(everything(rt), default=str)
    assert client.get(path(rt, Purpose.CONFIRM, made)).status_code == 404
    forget(days=31)
    assert rows(rt, signups) == []


# ── settings ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_settings_are_changed_by_their_reader(rt: Runtime, client: httpx.Client) -> None:
    made = signed_up(rt, client)
    fields = {**asked(), "do": "save", "rules": ["funding"], "when": "weekly", "hour": "18", "weekday": "4"}
    more = {"currency": "EUR", "quiet_from": "22", "quiet_to": "7", "empty": "send", "at_least": "5M EUR"}
    page = fill(client, path(rt, Purpose.PREFERENCES, made), {**fields, **more}).text
    assert "Saved." in page
    config = own(rt)[0]["config"]
    assert (config["rules"], config["currency"], config["empty"]) == (["funding"], "EUR", "send")
    assert (config["schedule"]["when"], config["schedule"]["weekday"]) == ("weekly", 4)
    assert config["quiet"] == {"begins": "22:00:00", "ends": "07:00:00"}
    assert config["at_least_usd"] > 1e6
    assert (config["id"], config["channels"], config["title"]) == (made, [made], "Biotech Watcher")


@only_sqlite
def test_settings_with_a_mistake_are_not_kept(rt: Runtime, client: httpx.Client) -> None:
    made = signed_up(rt, client)
    before = own(rt)
    answer = fill(client, path(rt, Purpose.PREFERENCES, made), {**asked(zone="Mars/Base"), "do": "save"})
    assert (answer.status_code, own(rt)) == (422, before)
    assert 'id="zone-wrong"' in answer.text


def test_what_ops_set_is_shown_and_cannot_be_changed_but_muted_paused_and_ended(
    rt: Runtime, client: httpx.Client
) -> None:
    address = path(rt, Purpose.PREFERENCES, "desk")
    page = client.get(address).text
    assert "<dt>How often</dt><dd>Every day, 08:00</dd>" in page
    assert 'value="save"' not in page
    assert "erase" not in page
    before = rows(rt, subscriptions)
    for do in ("save", "erase", "erase_for_good"):
        fill(client, address, {**asked(), "do": do})
    assert rows(rt, subscriptions) == before
    assert "Paused until" in fill(client, address, {"do": "pause", "days": "14"}).text
    (pause,) = rows(rt, mutes)
    assert (pause["subscription_id"], pause["kind"]) == ("desk", "all")


def test_mutes_and_pauses_are_listed_and_ended(rt: Runtime, client: httpx.Client) -> None:
    made = signed_up(rt, client)
    add_event(rt.database)
    fill(client, f"/m/{links(rt).token(Purpose.MUTE, e=1, s=made)}", {"what": "party-0", "days": "30"})
    address = path(rt, Purpose.PREFERENCES, made)
    page = fill(client, address, {"do": "pause", "days": "7"}).text
    assert "Everything about Acme Bio" in page
    assert "Paused until" in page
    for row in rows(rt, mutes):
        fill(client, address, {"do": "unmute", "mute": str(row["id"])})
    assert rows(rt, mutes) == []
    for odd in ("", "x", "9" * 40, "-1", "٣"):
        assert fill(client, address, {"do": "unmute", "mute": odd}).status_code == 200


@only_sqlite
def test_a_reader_cannot_end_the_mute_of_another(rt: Runtime, client: httpx.Client) -> None:
    made = signed_up(rt, client)
    fill(client, path(rt, Purpose.PREFERENCES, "desk"), {"do": "pause", "days": "7"})
    fill(client, path(rt, Purpose.PREFERENCES, made), {"do": "unmute", "mute": str(rows(rt, mutes)[0]["id"])})
    assert len(rows(rt, mutes)) == 1


# ── erasure ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def sent_mail(rt: Runtime, subscription_id: str) -> int:
    """A digest that was tried once and still waits, its bytes and the server's answer naming the address."""
    with rt.database.write() as conn:
        window = Window(key="2026-11-22", closes_at=now())
        digest_id = digests.open_window(conn, subscription_id, window, immediate=False, now=now())
        assert digest_id is not None
        envelope = Envelope(message_id="m", content_type="message/rfc822", body=b"To: anna@example.org\r\n\r\nHello")
        given = {"digest_id": digest_id, "channel_id": subscription_id, "key": "k", "envelope": envelope}
        made = deliveries.add(conn, **given, now=now())
        tried = {"delivery_id": made, "number": 1, "started_at": now(), "detail": "450 anna@example.org later"}
        conn.execute(attempts.insert().values(**tried))
    return digest_id


def test_erasure_asks_again_and_then_leaves_nothing_that_names_the_reader(rt: Runtime, client: httpx.Client) -> None:
    made = signed_up(rt, client)
    add_event(rt.database)
    digest_id = sent_mail(rt, made)
    key = address_key("anna@example.org")
    with rt.database.write() as conn:
        verdicts.record(conn, 1, verdicts.Verdict.USEFUL, who=f"reader:{made}", note="", now=now())
        bounced = {"address_key": key, "address": "anna@example.org", "reason": "smtp_550", "since": now()}
        conn.execute(suppressions.insert().values(**bounced, suppressed_at=now()))
    address = path(rt, Purpose.PREFERENCES, made)
    fill(client, address, {"do": "pause", "days": "7"})
    asking = fill(client, address, {"do": "erase"}).text
    assert "Delete your data?" in asking
    assert len(own(rt)) == 1
    sealed = {"seal": hidden(asking), "do": "erase_for_good"}
    assert "Your data are deleted" in client.post(address, data=sealed).text
    assert client.post(address, data=sealed).status_code == 404

    left = everything(rt)
    assert "anna" not in json.dumps(left, default=str)
    assert made not in json.dumps(
        [left[name] for name in ("subscriptions", "channels", "mutes", "signups")], default=str
    )
    assert [row["who"] for row in rows(rt, verdict_rows)] == ["erased:1"]
    assert [(row["body"], row["state"], row["reason"]) for row in rows(rt, delivery_rows)] == [
        (b"", "parked", readers.ERASED)
    ]
    assert [(row["address_key"], row["address"]) for row in rows(rt, suppressions)] == [(key, None)]
    for purpose in (Purpose.PREFERENCES, Purpose.UNSUBSCRIBE, Purpose.CONFIRM):
        assert client.get(path(rt, purpose, made)).status_code == 404
    assert client.get(f"/d/{links(rt).token(Purpose.DIGEST, d=digest_id)}").status_code == 404


def test_a_bounced_address_is_not_written_to_again_after_its_erasure(rt: Runtime, client: httpx.Client) -> None:
    made = signed_up(rt, client)
    with rt.database.write() as conn:
        key = address_key("anna@example.org")
        bad = {"address_key": key, "address": "anna@example.org", "reason": "smtp_550", "since": now()}
        conn.execute(suppressions.insert().values(**bad, suppressed_at=now()))
    fill(client, path(rt, Purpose.PREFERENCES, made), {"do": "erase_for_good"})
    before = len(letters(rt))
    fill(client, "/subscribe", asked())
    assert (len(letters(rt)), own(rt)) == (before, [])
