"""What comes in a form: bodies, seals, origins, addresses, choices, and who asks. Tables over the pure parts."""

from __future__ import annotations

import time as time_
from datetime import time
from typing import Any

import pytest
from starlette.requests import Request

from watcher.model import EmptyDay, Language, QuietHours, Schedule, SubscriptionConfig, When
from watcher.web import forms, words
from watcher.web.choices import Offered, in_words, read_choices, shown_choices, typed_choices, zones
from watcher.web.client_address import client_address
from watcher.web.forms import Form, Seal
from watcher.web.subscriber import read_address
from watcher.web.visit import language_of

RULES = (Offered(id="funding", title="Funding"), Offered(id="licensing-deal", title="Licensing deals"))


def request(
    headers: dict[str, str] | None = None, *, query: str = "", client: str = "203.0.113.9", method: str = "POST"
) -> Request:
    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in (headers or {}).items()]
    return Request(
        {
            "type": "http",
            "method": method,
            "path": "/subscribe",
            "query_string": query.encode(),
            "headers": raw,
            "client": (client, 1),
            "server": ("testserver", 80),
            "scheme": "http",
        }
    )


# ── addresses ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "written, read",
    [
        pytest.param("a@b.c\r\nRCPT TO:<v@x>", None, id="input-147-line-end"),
        pytest.param("a@b.c%0d%0aBcc:v@x.org", None, id="input-147-encoded-line-end"),
        pytest.param('"a b"@x.org', None, id="input-147-quoted"),
        pytest.param("anna@bücher.example", "anna@xn--bcher-kva.example", id="input-147-idn"),
        pytest.param("李@例子.测试", None, id="input-147-local-part-beyond-ascii"),
        pytest.param("x" * 300 + "@example.org", None, id="input-147-long"),
        pytest.param("x" * 64 + "@example.org", "x" * 64 + "@example.org", id="longest-local-part"),
        pytest.param("x" * 65 + "@example.org", None, id="local-part-too-long"),
        pytest.param("a@" + "b." * 130 + "org", None, id="host-too-long"),
        pytest.param("  anna@example.org ", "anna@example.org", id="spaces-around"),
        pytest.param("Anna+News@Example.ORG", "Anna+News@example.org", id="local-part-as-it-is"),
        pytest.param("Anna <anna@example.org>", None, id="display-name"),
        pytest.param("anna@example.org, bob@example.org", None, id="two"),
        pytest.param("anna@localhost", None, id="single-label"),
        pytest.param("anna@[127.0.0.1]", None, id="address-literal"),
        pytest.param("anna@127.0.0.1", None, id="number"),
        pytest.param("anna@-x.org", None, id="bad-label"),
        pytest.param("anna@xn--", None, id="bad-idna"),
        pytest.param("anna.@example.org", None, id="dot-at-the-end"),
        pytest.param("@example.org", None, id="no-local-part"),
        pytest.param("", None, id="nothing"),
        pytest.param("anna@example.org\x00", None, id="nul"),
    ],
)
def test_an_address_is_taken_only_when_mail_can_be_sent_there(written: str, read: str | None) -> None:
    assert read_address(written) == read


# ── bodies ───────────────────────────────────────────────────────────────────────────────────────────────────────────

MULTIPART = '--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n'


async def _read(body: bytes, content_type: str) -> Form:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    made = request({"content-type": content_type})
    return await forms.read(Request(made.scope, receive))


@pytest.mark.parametrize(
    "body, content_type, is_one_click",
    [
        ("List-Unsubscribe=One-Click", "application/x-www-form-urlencoded", True),
        ("List-Unsubscribe=One-Click", "text/plain", True),
        ("List-Unsubscribe=One-Click", "", True),
        ("List-Unsubscribe=One-Click\r\n", "application/x-www-form-urlencoded; charset=utf-8", True),
        ("a=b&List-Unsubscribe=One-Click", "application/x-www-form-urlencoded", True),
        (MULTIPART, "multipart/form-data; boundary=x", True),
        (MULTIPART.replace("\r\n", "\n"), "multipart/form-data; boundary=x", True),
        ("", "application/x-www-form-urlencoded", False),
        ("List-Unsubscribe=", "application/x-www-form-urlencoded", False),
        ("XList-Unsubscribe=One-Click", "application/x-www-form-urlencoded", False),
        ("List-Unsubscribe=One-Clicks", "application/x-www-form-urlencoded", False),
        ("do=end", "application/x-www-form-urlencoded", False),
    ],
)
def test_the_body_of_rfc_8058_is_known_whatever_its_type_says(body: str, content_type: str, is_one_click: bool) -> None:
    import anyio

    assert anyio.run(_read, body.encode(), content_type).one_click is is_one_click


@pytest.mark.parametrize(
    "body, content_type",
    [
        pytest.param("name=List-Unsubscribe\n" * 1400, "text/plain", id="one-click-begun-again-and-again"),
        pytest.param("&List-Unsubscribe=One-Click" + " " * 30_000 + "x", "text/plain", id="spaces-after-one-click"),
        pytest.param(
            "--x\r\n" + "content-disposition:form-data;" * 1000 + "\r\n\r\n--x--",
            "multipart/form-data; boundary=x",
            id="one-part-of-a-thousand-names",
        ),
        pytest.param(
            "--x\r\n" + "content-disposition:form-data;\r\n" * 900 + "\r\n\r\n--x--",
            "multipart/form-data; boundary=x",
            id="a-thousand-lines-of-one-part",
        ),
    ],
)
def test_a_strangers_form_costs_no_more_than_its_length(body: str, content_type: str) -> None:
    import anyio

    began = time_.process_time()
    form = anyio.run(_read, body.encode(), content_type)
    assert time_.process_time() - began < 0.4
    assert not form.one_click
    assert form.files == {}


@pytest.mark.parametrize(
    "body", [b"x" * (forms.BODY_BYTES + 1), b"&".join([b"a=b"] * (forms.FIELDS + 1))], ids=["bytes", "fields"]
)
def test_a_form_is_read_within_bounds(body: bytes) -> None:
    import anyio

    with pytest.raises(forms.Refused) as refused:
        anyio.run(_read, body, "application/x-www-form-urlencoded")
    assert refused.value.status == 413


def test_the_last_of_two_values_counts_and_every_tick_is_kept() -> None:
    form = Form(fields={"zone": ("UTC", " Europe/Berlin "), "rules": ("a", "b")})
    assert (form.one("zone"), form.every("rules"), form.one("none")) == ("Europe/Berlin", ("a", "b"), "")


# ── whose form it is ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_seal_holds_for_its_page_alone_and_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    seal = Seal(key="k" * 32, page="/p/abc")
    made = seal.make()
    assert seal.holds(made) is True
    assert Seal(key="k" * 32, page="/p/abd").holds(made) is False
    assert Seal(key="x" * 32, page="/p/abc").holds(made) is False
    assert [seal.holds(one) for one in ("", "x", made[:-1], made + "x", "é" * 300)] == [False] * 5
    passed = forms.clock.time() + forms.SEAL_S + 1
    monkeypatch.setattr(forms.clock, "time", lambda: passed)
    assert seal.holds(made) is None


@pytest.mark.parametrize(
    "headers, is_foreign",
    [
        pytest.param({}, False, id="a-program-that-sends-none"),
        pytest.param({"origin": "https://watch.example"}, False, id="public-url"),
        pytest.param({"origin": "http://inside.example:8080"}, False, id="the-host-that-was-asked"),
        pytest.param({"origin": "https://evil.example"}, True, id="input-149-foreign"),
        pytest.param({"origin": "https://watch.example.evil.example"}, True, id="longer-name"),
        pytest.param({"origin": "http://watch.example"}, True, id="other-scheme"),
        pytest.param({"origin": "https://watch.example:444"}, True, id="other-port"),
        pytest.param({"origin": "null"}, True, id="sandboxed"),
        pytest.param({"origin": ""}, True, id="empty"),
        pytest.param({"origin": "https://["}, True, id="garbage"),
        pytest.param({"sec-fetch-site": "cross-site"}, True, id="cross-site"),
        pytest.param({"sec-fetch-site": "same-site", "origin": "https://watch.example"}, True, id="sibling"),
        pytest.param({"sec-fetch-site": "same-origin", "origin": "https://watch.example"}, False, id="same-origin"),
    ],
)
def test_a_form_of_another_site_is_told_by_its_origin(headers: dict[str, str], is_foreign: bool) -> None:
    asked = request({"host": "inside.example:8080", **headers})
    assert forms.foreign(asked, "https://watch.example/") is is_foreign


@pytest.mark.parametrize(
    "peer, forwarded, trusted, address",
    [
        pytest.param("203.0.113.9", "198.51.100.7", (), "203.0.113.9", id="nobody-is-trusted"),
        pytest.param("10.0.0.2", "198.51.100.7", ("10.0.0.0/8",), "198.51.100.7", id="a-proxy"),
        pytest.param("10.0.0.2", "1.1.1.1, 198.51.100.7", ("10.0.0.0/8",), "198.51.100.7", id="what-the-client-wrote"),
        pytest.param("10.0.0.2", "198.51.100.7, 10.0.0.3", ("10.0.0.0/8",), "198.51.100.7", id="two-proxies"),
        pytest.param("10.0.0.2", "10.0.0.4, 10.0.0.3", ("10.0.0.0/8",), "10.0.0.4", id="all-trusted"),
        pytest.param("10.0.0.2", "198.51.100.7, junk", ("10.0.0.0/8",), "10.0.0.2", id="junk"),
        pytest.param("10.0.0.2", None, ("10.0.0.0/8",), "10.0.0.2", id="no-header"),
        pytest.param("::ffff:10.0.0.2", "2001:db8::7", ("10.0.0.0/8",), "2001:db8::7", id="mapped"),
        pytest.param("203.0.113.9", "198.51.100.7", ("10.0.0.0/8",), "203.0.113.9", id="not-through-the-proxy"),
    ],
)
def test_a_client_is_who_connects_or_whom_a_trusted_proxy_names(
    peer: str, forwarded: str | None, trusted: tuple[str, ...], address: str
) -> None:
    headers = {"x-forwarded-for": forwarded} if forwarded else {}
    assert client_address(request(headers, client=peer), trusted) == address


@pytest.mark.parametrize(
    "accepted, query, language",
    [
        ("", "", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "", "zh"),
        ("en-GB,zh;q=0.9", "", "en"),
        ("fr,zh;q=0.5,en;q=0.7", "", "en"),
        ("fr, de", "", "en"),
        ("zh;q=0, en;q=0.1", "", "en"),
        ("zh;q=x", "", "en"),
        ("en", "lang=zh", "zh"),
        ("zh", "lang=xx", "zh"),
        (",;,=;q=," * 200, "", "en"),
    ],
)
def test_a_page_speaks_what_is_asked_for_else_what_the_browser_prefers(
    accepted: str, query: str, language: str
) -> None:
    headers = {"accept-language": accepted} if accepted else {}
    assert language_of(request(headers, query=query)) == language


# ── choices ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def form(**fields: Any) -> Form:
    whole = {
        "rules": ("*",),
        "when": "daily",
        "hour": "8",
        "weekday": "0",
        "zone": "Europe/Berlin",
        "language": "en",
        **fields,
    }
    return Form(fields={name: value if isinstance(value, tuple) else (value,) for name, value in whole.items()})


def read(given: Form, **more: Any) -> tuple[SubscriptionConfig, dict[str, str]]:
    return read_choices(given, RULES, Language.ENGLISH, more.pop("kept", None), **{"open_end": True, **more})


def test_what_is_chosen_becomes_a_subscription() -> None:
    given = form(
        rules=("funding",),
        places="Chongqing, 首尔、Chongqing ;",
        parties="Konoya",
        at_least="10M USD",
        when="weekly",
        hour="7",
        weekday="4",
        language="zh",
    )
    config, wrong = read(given)
    assert wrong == {}
    assert config == SubscriptionConfig(
        id="",
        title="",
        channels=(),
        rules=("funding",),
        places=("Chongqing", "首尔"),
        parties=("Konoya",),
        at_least="10M USD",
        schedule=Schedule(when=When.WEEKLY, at=time(7), weekday=4, zone="Europe/Berlin"),
        language=Language.CHINESE,
    )


def test_settings_hold_more_than_a_sign_up_and_keep_what_the_form_does_not_show() -> None:
    kept = SubscriptionConfig(id="x", title="x", channels=("x",), tags=("biotech",), languages=("zh",))
    config, wrong = read(form(when="weekdays", quiet_from="22", quiet_to="7", currency="EUR", empty="send"), kept=kept)
    assert wrong == {}
    assert (config.tags, config.languages) == (("biotech",), ("zh",))
    assert config.schedule.weekdays_only
    assert (config.quiet, config.currency, config.empty) == (
        QuietHours(begins=time(22), ends=time(7)),
        "EUR",
        EmptyDay.SEND,
    )


@pytest.mark.parametrize(
    "fields, field",
    [
        ({"rules": ()}, "rules"),
        ({"rules": ("unheard-of",)}, "rules"),
        ({"places": "x" * 81}, "places"),
        ({"parties": ",".join(f"p{one}" for one in range(21))}, "parties"),
        ({"at_least": "lots"}, "at_least"),
        ({"at_least": "10M XXX"}, "at_least"),
        ({"at_least": "-5 USD"}, "at_least"),
        ({"at_least": "9" * 41}, "at_least"),
        ({"when": "hourly"}, "when"),
        ({"when": ""}, "when"),
        ({"hour": "24"}, "hour"),
        ({"hour": "٣"}, "hour"),
        ({"when": "weekly", "weekday": "7"}, "weekday"),
        ({"zone": ""}, "zone"),
        ({"zone": "Mars/Base"}, "zone"),
        ({"zone": "../etc/passwd"}, "zone"),
        ({"language": "fr"}, "language"),
        ({"quiet_from": "22"}, "quiet"),
        ({"quiet_from": "7", "quiet_to": "7"}, "quiet"),
        ({"currency": "XXX"}, "currency"),
    ],
)
def test_a_mistake_is_told_beside_its_field_alone(fields: dict[str, Any], field: str) -> None:
    kept = SubscriptionConfig(id="x", title="x", channels=("x",))
    assert list(read(form(**fields), kept=kept)[1]) == [field]


def test_all_rules_can_be_chosen_only_where_none_are_kept_back() -> None:
    assert read(form())[0].rules == ()
    assert read(form(rules=("*",)), open_end=False)[1].keys() == {"rules"}
    assert read(form(rules=("*", "funding")), open_end=False)[0].rules == ("funding",)


def test_a_choice_shown_again_is_the_choice_that_was_made() -> None:
    kept = SubscriptionConfig(
        id="x",
        title="x",
        channels=("x",),
        rules=("funding",),
        places=("Chongqing", "Seoul"),
        at_least="10M USD",
        schedule=Schedule(when=When.DAILY, at=time(6), weekdays_only=True, zone="Asia/Seoul"),
        quiet=QuietHours(begins=time(22), ends=time(7)),
        currency="EUR",
        empty=EmptyDay.SEND,
    )
    shown = shown_choices(kept)
    again = form(
        **{
            name: tuple(value) if isinstance(value, set) else str(value if value is not True else "send")
            for name, value in shown.items()
        }
    )
    assert typed_choices(again) == shown
    config, wrong = read(again, kept=kept)
    assert wrong == {}
    assert shown_choices(config) == shown


def test_a_subscription_is_told_in_words() -> None:
    config = read(form(rules=("funding",), at_least="10M USD", when="weekly", weekday="4"))[0]
    titles = {"funding": "融资"}
    assert in_words(config, titles, Language.CHINESE) == (
        ("事件类型", "融资"),
        ("地点", "不限"),
        ("公司和机构", "不限"),
        ("最低金额", "10M USD"),
        ("频率", "每周一次，星期五 08:00"),
        ("时区", "Europe/Berlin"),
        ("邮件语言", "English"),
    )


def test_the_zones_are_those_of_the_iana_list_by_area() -> None:
    listed = {value for _, names in zones() for value, _ in names}
    assert {"UTC", "Europe/Berlin", "Asia/Shanghai", "America/Argentina/Buenos_Aires", "Pacific/Apia"} <= listed
    assert not {one for one in listed if one.startswith(("Etc/", "posix", "right/", "SystemV/"))}


def test_every_phrase_is_there_in_both_languages_with_the_same_gaps() -> None:
    import string

    def gaps(text: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    for name, (english, chinese) in words.phrases().items():
        assert gaps(english) == gaps(chinese), name
        assert english, name
        assert chinese, name
