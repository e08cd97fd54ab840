"""A person and a browser: signs up, gets the letter in a real mailbox, confirms, is told, changes, and leaves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from reading import CONFIG, PUBLIC, asked, configure, fill, hidden, open_service, rows, served
from row_factories import add_event
from services.smtp import Mail, SmtpInbox

from watcher import pipeline
from watcher.pipeline import Step
from watcher.pipeline.links import links
from watcher.runtime import Runtime
from watcher.signing import Purpose
from watcher.store import subscriptions as subscription_rows
from watcher.store.schema import subscriptions, verdicts

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def rt(database_url: str, tmp_path: Path, smtp_inbox: SmtpInbox) -> Iterator[Runtime]:
    opened = open_service(database_url, tmp_path, smtp_port=smtp_inbox.port)
    yield opened
    opened.close()


@pytest.fixture
def client(rt: Runtime, smtp_inbox: SmtpInbox) -> Iterator[httpx.Client]:
    """The served pages, whose own address is the public one."""
    with served(rt) as opened:
        configure(rt, CONFIG % (smtp_inbox.port, smtp_inbox.port, str(opened.base_url)))
        yield opened


def run_line(rt: Runtime) -> None:
    """What workers do until nothing is due: from events to mail."""
    for _ in range(5):
        due = pipeline.due(rt)
        for step in (Step.EVENTS, Step.DIGESTS, Step.DELIVERIES):
            pipeline.STEPS[step](rt, due.get(step, []))


def links_of(mail: Mail) -> list[str]:
    """The addresses in the text of a mail, in their order."""
    part = mail.message.get_body(preferencelist=("plain",))
    assert part is not None
    return re.findall(r"https?://\S+", part.get_content())


def link(mail: Mail, purpose: Purpose) -> str:
    return next(one for one in links_of(mail) if f"/{purpose}/" in one)


def of_reader(inbox: SmtpInbox) -> list[Mail]:
    return [mail for mail in inbox.mails if mail.recipients == ("anna@example.org",)]


def test_a_person_signs_up_confirms_is_told_changes_and_leaves(
    rt: Runtime, client: httpx.Client, smtp_inbox: SmtpInbox, chromium: Any
) -> None:
    page = chromium.new_page(viewport={"width": 390, "height": 844}, locale="en-GB")
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    base = str(client.base_url)

    page.goto(f"{base}/subscribe")
    page.get_by_label("Mail address").fill("anna@example.org")
    page.get_by_label("At once, each event by itself").check()
    page.get_by_label("Time zone").select_option("Europe/Berlin")
    page.get_by_role("button", name="Subscribe").click()
    assert page.get_by_role("heading").inner_text() == "Look into your mailbox"
    run_line(rt)
    (letter,) = of_reader(smtp_inbox)
    assert letter.message["Subject"] == "Confirm your subscription"
    assert "/u/" in letter.message["List-Unsubscribe"]

    add_event(rt.database)
    run_line(rt)
    assert len(of_reader(smtp_inbox)) == 1, "nobody has confirmed yet"

    page.goto(link(letter, Purpose.CONFIRM))
    page.get_by_role("button", name="Confirm").click()
    assert page.get_by_role("heading").inner_text() == "You are subscribed"
    with rt.database.write() as conn:
        from watcher.store import events

        events.offer_again(conn, 1)
    run_line(rt)
    told = of_reader(smtp_inbox)[-1]
    assert "Title of a" in told.message["Subject"]

    page.goto(link(told, Purpose.VOTE))
    page.get_by_role("button", name="Useful", exact=True).click()
    assert page.get_by_role("status").inner_text() == "Kept: Useful. Thank you."
    assert [row["verdict"] for row in rows(rt, verdicts)] == ["useful"]

    page.goto(link(told, Purpose.PREFERENCES))
    page.get_by_label("Once a week").check()
    page.get_by_label("Companies and institutions").fill("Acme Bio")
    page.get_by_label("Show amounts also in").select_option("EUR")
    page.get_by_role("button", name="Save").click()
    assert page.get_by_role("status").inner_text().startswith("Saved.")
    config = reader_row(rt)["config"]
    assert (config["parties"], config["currency"], config["schedule"]["when"]) == (["Acme Bio"], "EUR", "weekly")

    page.goto(link(told, Purpose.UNSUBSCRIBE))
    page.get_by_role("button", name="Unsubscribe").click()
    assert page.get_by_role("heading").inner_text() == "You are unsubscribed"
    assert reader_row(rt)["ended_by"] == "page"
    with rt.database.read() as conn:
        assert [one.id for one in subscription_rows.active(conn)] == ["desk"]
    assert said == []
    page.close()


def test_the_letter_itself_can_be_refused_with_one_click(
    rt: Runtime, client: httpx.Client, smtp_inbox: SmtpInbox
) -> None:
    """Mail programs take the header of https addresses alone (RFC 8058, 3.1)."""
    configure(rt, CONFIG % (smtp_inbox.port, smtp_inbox.port, PUBLIC))
    fill(client, "/subscribe", asked())
    run_line(rt)
    (letter,) = of_reader(smtp_inbox)
    assert letter.message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    found = re.search(rf"<{PUBLIC}(/u/[^>]+)>", letter.message["List-Unsubscribe"])
    assert found is not None
    assert client.post(found[1], content="List-Unsubscribe=One-Click").status_code == 200
    assert reader_row(rt)["ended_by"] == "one_click"


def reader_row(rt: Runtime) -> dict[str, Any]:
    (row,) = [row for row in rows(rt, subscriptions) if row["origin"] == "page"]
    return row


def test_a_mail_programs_one_click_ends_it_and_nothing_more_is_sent(
    rt: Runtime, client: httpx.Client, smtp_inbox: SmtpInbox
) -> None:
    fill(client, "/subscribe", asked(when="immediate"))
    run_line(rt)
    (letter,) = of_reader(smtp_inbox)
    confirm = link(letter, Purpose.CONFIRM)
    client.post(confirm, data={"seal": hidden(client.get(confirm).text)})
    found = re.search(r"<(http[^>]+/u/[^>]+)>", letter.message["List-Unsubscribe"])
    assert found is not None
    assert client.post(found[1], content="List-Unsubscribe=One-Click").status_code == 200
    add_event(rt.database)
    run_line(rt)
    assert len(of_reader(smtp_inbox)) == 1


def test_the_digest_in_the_browser_is_the_mail_that_was_sent(
    rt: Runtime, client: httpx.Client, smtp_inbox: SmtpInbox, chromium: Any
) -> None:
    fill(client, "/subscribe", asked(when="immediate"))
    made = reader_row(rt)["id"]
    confirm = f"/c/{links(rt).token(Purpose.CONFIRM, s=made)}"
    fill(client, confirm, {})
    add_event(rt.database)
    run_line(rt)
    told = of_reader(smtp_inbox)[-1]
    for scheme in ("light", "dark"):
        page = chromium.new_page(viewport={"width": 390, "height": 844}, color_scheme=scheme)
        page.goto(link(told, Purpose.DIGEST))
        assert "Title of a" in page.inner_text("body")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        page.close()
    page = chromium.new_page()
    page.goto(link(told, Purpose.DIGEST))
    page.locator('a[href*="/p/"]').first.click()
    page.get_by_label("Once a week").check()
    page.get_by_role("button", name="Save").click()
    assert page.get_by_role("status").inner_text().startswith("Saved."), "the settings are no part of the sandbox"
    page.close()


# ── how the pages look ───────────────────────────────────────────────────────────────────────────────────────────────

LUMINANCE = """selector => {
  const parts = colour => (colour.match(/[0-9.]+/g) || []).slice(0, 3).map(part => {
    const share = part / 255; return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4; });
  const luminance = colour => { const [r, g, b] = parts(colour); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  return [...document.querySelectorAll(selector)].map(one => {
    const ink = luminance(getComputedStyle(one).color); let behind = one;
    while (behind && getComputedStyle(behind).backgroundColor === 'rgba(0, 0, 0, 0)') behind = behind.parentElement;
    const ground = luminance(getComputedStyle(behind || document.body).backgroundColor);
    return [(Math.max(ink, ground) + 0.05) / (Math.min(ink, ground) + 0.05), one.outerHTML.slice(0, 80)]; }); }"""


@pytest.mark.parametrize(
    "width, scheme, language", [(1280, "light", "en"), (1280, "dark", "zh"), (390, "light", "zh"), (390, "dark", "en")]
)
def test_every_page_fits_its_window_and_can_be_read_and_reached_by_keys(
    rt: Runtime, client: httpx.Client, chromium: Any, width: int, scheme: str, language: str
) -> None:
    add_event(rt.database)
    fill(client, "/subscribe", asked())
    reader = reader_row(rt)["id"]
    signer = links(rt)
    fill(client, f"/m/{signer.token(Purpose.MUTE, e=1, s=reader)}", {"what": "party-0", "days": "30"})
    about = {"e": 1, "s": reader}
    addresses = [
        "/subscribe",
        "/u/unknown",
        f"/e/{signer.token(Purpose.EVENT, **about)}",
        f"/v/{signer.token(Purpose.VOTE, **about, w='useful')}",
        f"/m/{signer.token(Purpose.MUTE, **about)}",
        f"/u/{signer.token(Purpose.UNSUBSCRIBE, s=reader)}",
        f"/c/{signer.token(Purpose.CONFIRM, s=reader)}",
        f"/p/{signer.token(Purpose.PREFERENCES, s=reader)}",
        f"/p/{signer.token(Purpose.PREFERENCES, s='desk')}",
    ]
    page = chromium.new_page(viewport={"width": width, "height": 844}, color_scheme=scheme)
    told: list[str] = []
    page.on("console", lambda message: told.append(message.text) if "404" not in message.text else None)
    for address in addresses:
        page.goto(f"{client.base_url}{address}?lang={language}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, address
        for ratio, element in page.evaluate(LUMINANCE, "h1, h2, p, dt, dd, label, legend, a, button, mark, li, option"):
            assert ratio >= 4.5, (address, element, ratio)
        unnamed = page.evaluate(
            "[...document.querySelectorAll('input:not([type=hidden]), select, button')]"
            ".filter(one => !one.labels?.length && !one.ariaLabel && !one.innerText).map(one => one.outerHTML)"
        )
        assert unnamed == [], address
        small = page.evaluate(
            "[...document.querySelectorAll('main button, main select, main a')].filter(one => "
            "one.getBoundingClientRect().height < 24).map(one => one.outerHTML)"
        )
        assert small == [], address
        assert page.evaluate("document.documentElement.lang") == ("zh-Hans" if language == "zh" else "en")
    assert told == []
    page.close()
