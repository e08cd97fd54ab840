"""What changed, in every way out, and what other sources tell beside a fact."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from event_factories import NOON, alert, digest, event, immediate, money

from watcher import wording
from watcher.deliver import slack, webhook
from watcher.digest.build import newest
from watcher.digest.choose import choose
from watcher.digest.render import render
from watcher.model import AlertView, Change, ChangeWhy, OtherValue, SubscriptionConfig

CORRECTED = Change(fact="total", before="1bn USD", after="1.2bn USD", why=ChangeWhy.CORRECTED)
SIGNED = Change(fact="stage", before="exploring", after="signed", why=ChangeWhy.MOVED_ON)
WORDS = "Total corrected from 1bn USD to 1.2bn USD; stage moved on from exploring to signed"


def updated() -> AlertView:
    return alert(event(revision=2), update=True, changes=(CORRECTED, SIGNED))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (CORRECTED, "total corrected from 1bn USD to 1.2bn USD"),
        (replace(CORRECTED, why=ChangeWhy.NEWER), "total corrected from 1bn USD to 1.2bn USD by a newer source"),
        (replace(CORRECTED, before="", why=ChangeWhy.NOW_KNOWN), "total now known: 1.2bn USD"),
        (
            replace(CORRECTED, why=ChangeWhy.READ_AGAIN),
            "total corrected from 1bn USD to 1.2bn USD after the full text was read",
        ),
        (SIGNED, "stage moved on from exploring to signed"),
        (replace(SIGNED, after="ended", why=ChangeWhy.ENDED), "reported as ended, before: exploring"),
        (replace(SIGNED, before="", after="denied", why=ChangeWhy.ENDED), "reported as denied"),
        (replace(CORRECTED, before="{0}", after="\u202e{x}\n"), "total corrected from {0} to {x}"),
    ],
)
def test_a_change_is_told_in_words(change: Change, words: str) -> None:
    assert wording.change(change) == words


def test_a_mail_says_what_changed_before_the_facts() -> None:
    for view in (immediate(updated()), digest(updated())):
        rendered = render(view)
        text = " ".join(rendered.text.split())
        assert text.index(f"Update: {WORDS}") < text.index("CMG901 · 1.2bn USD")
        assert WORDS in rendered.html
    assert render(immediate(updated())).subject.startswith("Update: ")


def test_slack_says_what_changed() -> None:
    for view in (immediate(updated()), digest(updated())):
        message = slack.payload(view)
        sections = [block["text"]["text"] for block in message["blocks"] if "text" in block]
        assert any(f"*Update:* {WORDS}" in section for section in sections)
    assert WORDS in slack.payload(immediate(updated()))["text"]


def test_a_webhook_carries_the_changes() -> None:
    message = json.loads(webhook.body(immediate(updated()), now=NOON))
    assert message["type"] == "event.updated"
    assert message["data"]["changes"][0] == {
        "fact": "total",
        "before": "1bn USD",
        "after": "1.2bn USD",
        "why": "corrected",
        "text": "total corrected from 1bn USD to 1.2bn USD",
    }
    assert "changes" not in json.loads(webhook.body(immediate(alert()), now=NOON))["data"]


def test_nothing_is_said_to_have_changed_to_who_hears_for_the_first_time() -> None:
    first = replace(updated(), update=False)
    assert wording.update_line(first) == ""
    assert WORDS not in render(digest(first)).text


def test_the_newest_of_two_alerts_keeps_its_changes() -> None:
    older = alert(event(revision=2), alert_id=7, update=True, changes=(CORRECTED,))
    newer = replace(updated(), alert_id=8, event=event(revision=3))
    assert newest([newer, older]) == (newer,)


def test_what_other_sources_tell_stands_beside_the_amount() -> None:
    other = OtherValue(value=1.4e9, currency="USD", usd=1.4e9, text="$1.4 billion", item_id=2)
    told = event(facts={"total": money("total", 1.2e9, "USD", 1.2e9, others=(other,))})
    assert wording.facts_line(told) == "1.2bn USD (other sources: 1.4bn USD)"
    assert wording.fact_rows(told) == (("Total", "1.2bn USD; other sources: 1.4bn USD"),)
    assert '<b class="a"' in render(digest(alert(told))).html
    facts = json.loads(webhook.body(immediate(alert(told)), now=NOON))["data"]["event"]["facts"]
    assert facts["total"]["others"][0]["value"] == 1.4e9


def test_a_language_that_only_a_copy_has_concerns_its_readers() -> None:
    reader = SubscriptionConfig(id="a", title="a", channels=("hook",), languages=("zh",))
    assert not choose(event(), reader).chosen
    assert choose(event(languages=("en", "zh")), reader).chosen
