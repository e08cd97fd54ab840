"""A person and a browser at the console: from the login to a tuned rule, with a mouse, by keys, without scripts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from newsroom import FUNDING, PASSWORD, SIGNING_SECRET, Newsroom, newsroom
from reading import rows
from services.smtp import SmtpInbox
from services.web import HttpSink

from watcher.store.schema import audit, verdicts

WRONG = FUNDING.replace("stance: asserted", "stanse: asserted")
SOUND = FUNDING.replace("raise|close ...6 <money>", "raise|close|land ...6 <money>").replace(
    "      - 完成...10融资\n", "      - 完成...10融资\n    none:\n      - seed\n"
)
"""Finds Lyra's round, which is told by another verb, and loses Kestrel's, which is small."""
WAIT_MS = 15_000
"""For a machine with much to do; nothing here takes a second on a free one."""


@pytest.fixture
def room(
    sqlite_url: str,
    tmp_path: Path,
    feed_server: HttpSink,
    smtp_inbox: SmtpInbox,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Newsroom]:
    monkeypatch.setenv("TEST_WHSEC", SIGNING_SECRET)
    with newsroom(sqlite_url, tmp_path, feed_server, smtp_inbox) as opened:
        yield opened


@contextmanager
def browsing(chromium: Any, said: list[str], **context: Any) -> Iterator[Any]:
    """A page of a new browser profile, which leaves before the service does; `said` gets what its console says."""
    opened = chromium.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB", **context)
    opened.set_default_timeout(WAIT_MS)
    page = opened.new_page()
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    try:
        yield page
    finally:
        opened.close()


def heading(page: Any) -> str:
    return str(page.get_by_role("heading", level=1).inner_text())


def log_in(page: Any, base: str) -> None:
    page.goto(base + "/")
    assert heading(page) == "Log in", "the overview is not shown to strangers"
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_person_finds_an_event_judges_it_and_tunes_its_rule(room: Newsroom, chromium: Any, scripts: bool) -> None:
    said: list[str] = []
    with browsing(chromium, said, java_script_enabled=scripts) as page:
        log_in(page, room.base)
        sees_the_overview(page)
        finds_an_event_and_reads_why(page, scripts)
        judges_it(page, room)
        makes_a_mistake_and_sees_its_line(page)
        tries_a_sound_change(page)
        keeps_an_item_as_an_example(page)
        downloads_and_writes_the_file(page, room)
        looks_at_what_was_sent(page, room)
        leaves_and_cannot_come_back(page)
    assert [one for one in said if "422" not in one] == [], "a draft with mistakes is answered 422, and nothing else"
    assert [row["action"] for row in rows(room.rt, audit)] == [
        "login.ok", "events.judge", "rules.try", "rules.example", "rules.try", "rules.write", "login.out",
    ]  # fmt: skip


def sees_the_overview(page: Any) -> None:
    assert heading(page) == "Overview"
    words = page.inner_text("main")
    assert "A feed that fails" in words
    assert page.locator("main svg").count() >= 2
    assert page.get_by_role("link", name="Overview").get_attribute("aria-current") == "page"


def finds_an_event_and_reads_why(page: Any, scripts: bool) -> None:
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Events").click()
    assert page.locator("li.event").count() == 4
    page.get_by_label("Party").fill("Kestrel Bio")
    page.get_by_label("Rule", exact=True).select_option(label="Funding")
    page.get_by_role("button", name="Filter").click()
    assert page.locator("li.event").count() == 1
    page.get_by_role("link", name="Kestrel Bio closes €12.5 million seed round").click()
    assert heading(page) == "Kestrel Bio closes €12.5 million seed round"
    assert page.locator(".event-item mark").all_inner_texts() == [
        "Kestrel Bio", "closes €12.5 million", "closed €12.5 million",
    ]  # fmt: skip
    told = page.get_by_role("region", name="Who was told").inner_text()
    assert "hook sent The receiver took it (200)" in told and "mail sent The mail server took it (250)" in told
    if not scripts:
        page.get_by_role("link", name="Ask the rules").click()
    page.locator(".why-rule").first.wait_for()
    yes, no = page.locator(".why-rule", has_text="funding"), page.locator(".why-rule", has_text="openings")
    assert "yes:" in yes.locator("summary").inner_text()
    assert "closes €12.5 million" in " ".join(yes.locator("mark").all_inner_texts())
    assert "no:" in no.locator("summary").inner_text()
    if not scripts:
        page.get_by_role("link", name="Kestrel Bio closes €12.5 million seed round").click()


def judges_it(page: Any, room: Newsroom) -> None:
    page.get_by_label("Note").fill("Seen at two papers")
    page.get_by_role("button", name="Useful", exact=True).click()
    assert page.get_by_role("button", name="Useful", exact=True).get_attribute("aria-pressed") == "true"
    (row,) = rows(room.rt, verdicts)
    assert (row["verdict"], row["note"]) == ("useful", "Seen at two papers")


def makes_a_mistake_and_sees_its_line(page: Any) -> None:
    page.get_by_role("link", name="The rule", exact=True).click()
    assert heading(page).startswith("Funding")
    page.get_by_role("link", name="Open in the workbench").click()
    assert heading(page) == "Workbench: funding"
    page.get_by_label("funding.yml").fill(WRONG)
    page.get_by_role("button", name="Check").click()
    line = WRONG.split("\n").index("    stanse: asserted") + 1
    page.get_by_role("link", name=f"line {line}").click()
    assert page.locator(f"#line-{line}").get_attribute("class") == "mistake"
    assert page.locator(f"#line-{line} + .workbench-note").inner_text() != ""
    assert page.get_by_label("funding.yml").input_value() == WRONG, "what was written stays"


def tries_a_sound_change(page: Any) -> None:
    page.get_by_label("funding.yml").fill(SOUND)
    runs(page)
    for kind, title, decided in (
        ("new", "Lyra Oncology lands SEK 150 million", "raise|close|land ...6 <money> ('landed SEK 150 million')"),
        ("lost", "Kestrel Bio closes €12.5 million seed round", "seed"),
        ("kept", "Acme Bio raises $40 million for its antibody", ""),
    ):
        row = items(page, kind).filter(has_text=title)
        assert decided in row.locator(".workbench-decided").inner_text(), (kind, row.inner_text())
    assert items(page, "kept").count() == 2, "and the Chinese one"


def items(page: Any, kind: str) -> Any:
    return page.locator(f".diff li.{kind}:has(.workbench-decided)")


def runs(page: Any) -> None:
    page.get_by_role("button", name="Run", exact=True).click()
    page.locator("#run .state", has_text="done").wait_for()


def keeps_an_item_as_an_example(page: Any) -> None:
    items(page, "new").get_by_role("button", name="should match").click()
    page.get_by_role("status").filter(has_text="is now an example that should match").wait_for()
    assert "Lyra Oncology landed SEK 150 million" in page.get_by_label("funding.yml").input_value()
    assert "3 examples hold" in page.locator("#checked h2").inner_text()
    runs(page)


def downloads_and_writes_the_file(page: Any, room: Newsroom) -> None:
    draft = page.get_by_label("funding.yml").input_value()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download").click()
    assert waiting.value.suggested_filename == "funding.yml"
    assert Path(waiting.value.path()).read_text("utf-8") == draft
    assert room.rule_file.read_text("utf-8") == FUNDING, "nothing is written yet"
    page.get_by_role("button", name="Write into the rules folder").click()
    assert heading(page) == "Rules"
    assert page.get_by_role("status").inner_text().startswith("funding.yml was written")
    assert room.rule_file.read_text("utf-8") == draft


def looks_at_what_was_sent(page: Any, room: Newsroom) -> None:
    page.get_by_role("navigation", name="Pages").get_by_role("link", name="Deliveries").click()
    page.get_by_label("Subscription").fill("desk")
    page.get_by_role("button", name="Find").click()
    page.locator("tbody th a[href^='/deliveries/']").click()
    frame = page.frame_locator("iframe[sandbox='']")
    assert "Kestrel Bio closes €12.5 million seed round" in frame.locator("body").inner_text()
    page.get_by_role("link", name="Headers").click()
    (mail,) = room.inbox.mails
    assert str(mail.message["Subject"]) in page.inner_text("#message")


def leaves_and_cannot_come_back(page: Any) -> None:
    page.get_by_role("button", name="Log out").click()
    assert page.get_by_role("status").inner_text() == "You are logged out."
    page.go_back()
    page.wait_for_load_state()
    assert heading(page) == "Log in"


# ── by keys ──────────────────────────────────────────────────────────────────────────────────────────────────────────

FOCUS = """() => {
  const one = document.activeElement, style = getComputedStyle(one), box = one.getBoundingClientRect();
  return {words: (one.innerText || one.labels?.[0]?.innerText || '').trim(), tag: one.tagName, id: one.id,
    ring: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
    seen: box.width > 0 && box.bottom > 0 && box.top < innerHeight && box.left >= 0 && box.right <= innerWidth}; }"""


def focus(page: Any) -> dict[str, Any]:
    """Where the keys go: its words, and whether one sees it; `ring` is an outline of two pixels or more."""
    found: dict[str, Any] = page.evaluate(FOCUS)
    return found


def tab_to(page: Any, words: str, *, most: int = 60) -> None:
    """Press Tab until that has the focus; everything on the way must be seen and ringed."""
    for _ in range(most):
        page.keyboard.press("Tab")
        at = focus(page)
        if at["tag"] != "BODY":
            assert at["ring"] and at["seen"], at
        if re.fullmatch(words, at["words"]):
            return
    raise AssertionError(f"{words!r} is not reached by {most} tabs")


def enter(page: Any) -> None:
    with page.expect_navigation():
        page.keyboard.press("Enter")


def test_a_person_without_a_mouse_logs_in_finds_an_event_and_judges_it(room: Newsroom, chromium: Any) -> None:
    said: list[str] = []
    with browsing(chromium, said) as page:
        page.goto(f"{room.base}/events")
        assert focus(page)["id"] == "password", "the one field has the focus at once"
        page.keyboard.type(PASSWORD)
        enter(page)
        assert heading(page) == "Events", "the login leads where one wanted to go"
        page.keyboard.press("Tab")
        assert focus(page)["words"] == "Skip to the content"
        assert focus(page)["seen"] and focus(page)["ring"], focus(page)
        page.keyboard.press("Enter")
        assert focus(page)["id"] == "main"
        tab_to(page, "Words", most=1)
        page.keyboard.type("Kestrel")
        enter(page)
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        tab_to(page, "Kestrel Bio closes €12.5 million seed round", most=20)
        enter(page)
        assert heading(page) == "Kestrel Bio closes €12.5 million seed round"
        tab_to(page, "Note.*")
        tab_to(page, "Useful", most=1)
        enter(page)
        assert page.get_by_role("button", name="Useful", exact=True).get_attribute("aria-pressed") == "true"
    assert [row["verdict"] for row in rows(room.rt, verdicts)] == ["useful"]
    assert said == []


# ── while one looks ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_event_that_happens_appears_on_the_page_that_is_open(room: Newsroom, chromium: Any) -> None:
    said: list[str] = []
    with browsing(chromium, said) as page:
        log_in(page, room.base)
        page.goto(f"{room.base}/events?rule=funding")
        page.get_by_text("New events appear here by themselves.").wait_for()
        assert page.locator("li.event").count() == 3
        room.publish(
            ("Halden Pharma raises £40 million", "Halden Pharma raised £40 million from Novanta Fund on Tuesday."),
            ("Voss Therapeutics opens a plant in Ghent", "Voss Therapeutics opened a plant in Ghent."),
        )
        room.work()
        page.get_by_role("link", name="Halden Pharma raises £40 million").wait_for()
        titles = page.locator("li.event .event-title").all_inner_texts()
        assert titles[0] == "Halden Pharma raises £40 million", "the newest stands on top"
        assert len(titles) == 4, "what another rule finds does not pass the filter"
        page.get_by_role("link", name="Halden Pharma raises £40 million").click()
        assert heading(page) == "Halden Pharma raises £40 million"
    assert said == []
