"""What each noun answers and changes, exactly; every change stands in the audit log under the token's name."""

from __future__ import annotations

import time
from typing import Any

import pytest
from asking import HEADLINES, RULE, Service
from reading import rows

from watcher.store import schema as tables
from watcher.web import api

READS = [one for one in api.OPERATIONS if one.method == "GET"]
OPML = b"""<opml version="2.0"><body>
<outline text="One" xmlUrl="https://one.example/rss"/>
<outline text="Private" xmlUrl="http://127.0.0.1/rss"/>
</body></opml>"""


def noted(service: Service) -> dict[str, Any]:
    """The newest line of the audit log: what was done to what, by whom."""
    line = rows(service.rt, tables.audit)[-1]
    return {name: line[name] for name in ("who", "action", "target", "detail")}


def changed(service: Service, method: str, path: str, status: int = 200, **more: Any) -> Any:
    """The JSON of a change that goes well."""
    answer = service.ask(method, path, **more)
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


@pytest.mark.parametrize("path", [one.path for one in READS if not one.in_path])
def test_every_list_answers(service: Service, path: str) -> None:
    assert service.ask("GET", path).status_code == 200


def test_an_event_is_shown_whole(service: Service) -> None:
    event = service.get("/events/1")
    assert (event["title"], event["rule_id"], event["level"]) == (HEADLINES[0], "funding", "medium")
    assert event["amount"] == {"amount": 5e6, "currency": "USD", "usd": 5e6}
    assert [(one["name"], one["value"]) for one in event["facts"]] == [("recipient", "Acme Bio"), ("amount", 5e6)]
    assert event["evidence"] == [{"text": "Acme Bio raised $5 million.", "marks": [{"start": 9, "end": 15}]}]
    assert [one["who"] for one in event["verdicts"]][:1] == ["anna"]
    alerts = {one["subscription_id"]: one for one in event["alerts"]}
    assert {name: one["reason"] for name, one in alerts.items()} == {"desk": "rule funding", "china": "rule funding"}
    assert [one["channel_id"] for one in alerts["desk"]["deliveries"]] == ["hook"]
    assert event["created_at"].endswith("Z")


@pytest.mark.parametrize(
    "asked, found",
    [
        ({}, [2, 1]),
        ({"text": "antibody"}, [1]),
        ({"text": "重庆"}, [2]),
        ({"rule": "licensing-deal"}, []),
        ({"at_least_usd": "6e6"}, []),
        ({"until": "2020-01-01T00:00:00Z"}, []),
        ({"since": "2020-01-01T08:00:00.5+08:00", "party": "acme"}, [2, 1]),
    ],
)
def test_events_are_searched(service: Service, asked: dict[str, str], found: list[int]) -> None:
    assert [one["id"] for one in service.get("/events", **asked)["items"]] == found


def test_an_event_is_judged_and_judged_again(service: Service) -> None:
    changed(service, "PUT", "/events/1/verdict", json={"verdict": "not_useful"})
    said = changed(service, "PUT", "/events/1/verdict", json={"verdict": "wrong_facts", "note": " twice as much "})
    assert (said["who"], said["verdict"], said["note"]) == ("tester", "wrong_facts", "twice as much")
    mine = [one for one in service.get("/events/1")["verdicts"] if one["who"] == "tester"]
    assert mine == [said]
    detail = {"verdict": "wrong_facts"}
    assert noted(service) == {"who": "tester", "action": "events.judge", "target": "event 1", "detail": detail}


def test_an_event_and_an_item_are_explained(service: Service) -> None:
    told = service.get("/events/1/explanation")
    (rule,) = told["items"][0]["rules"]
    assert (rule["matched"], rule["decided"]) == (True, "raised")
    words = rule["selections"][0]["clauses"][0]["clauses"][0]["found"]
    assert words == [{"field": "title", "start": 9, "end": 15, "text": "raises"}]
    assert {(one["subscription_id"], one["chosen"]) for one in told["subscriptions"]} == {
        ("desk", True),
        ("china", True),
    }
    (missed,) = service.get("/items/2/explanation", rule="funding")["items"][0]["rules"]
    assert (missed["matched"], missed["nearest"] != "") == (False, True)
    assert service.ask("GET", "/items/2/explanation?rule=nothing").status_code == 404


def test_items_are_searched_and_shown(service: Service) -> None:
    assert [one["id"] for one in service.get("/items", text="ANTIBODY")["items"]] == [1]
    assert [one["id"] for one in service.get("/items", rule="funding", feed="1")["items"]] == [2, 1]
    assert service.get("/items", parked="true")["items"] == []
    item = service.get("/items/1")
    assert (item["text"], item["tells"]) == ("Text of item-1.", [{"event_id": 1, "rule_id": "funding"}])
    assert changed(service, "POST", "/items/retry") == {"items": 0, "events": 0}


def test_a_story_names_its_events(service: Service) -> None:
    story = service.get("/stories/1")
    assert (story["title"], story["events"]) == (HEADLINES[0], [{"id": 1, "rule_id": "funding"}])
    assert [one["id"] for one in service.get("/stories", open="true")["items"]] == [2, 1]
    assert service.get("/stories", open="false")["items"] == []


def test_a_feed_is_added_once_changed_paused_polled_and_removed(service: Service) -> None:
    body = {"url": "https://new.example/feed.xml#top", "tags": ["china", "china"], "every_s": 900.0}
    answer = service.ask("POST", "/feeds", json=body)
    feed = answer.json()
    path = f"/feeds/{feed['id']}"
    assert (answer.status_code, answer.headers["location"]) == (201, f"/api/v1{path}")
    assert (feed["url"], feed["tags"], feed["every_s"]) == ("https://new.example/feed.xml", ["china"], 900)
    assert feed["origin"] == "api"
    assert noted(service)["action"] == "feeds.add"
    assert service.ask("POST", "/feeds", json=body).status_code == 200
    choices = {"tags": ["korea"], "every_s": None, "full_text": True}
    settled = changed(service, "PUT", path, json=choices)
    assert {name: settled[name] for name in choices} == choices
    assert changed(service, "POST", f"{path}/pause")["disabled_reason"] == "paused"
    assert service.ask("POST", f"{path}/poll").status_code == 409
    assert changed(service, "POST", f"{path}/resume")["disabled_reason"] is None
    assert changed(service, "POST", f"{path}/poll")["next_poll_reason"] == "asked for"
    for _ in range(2):
        assert service.ask("DELETE", path).status_code == 204
    assert service.get(path)["retired_at"].endswith("Z")
    assert feed["id"] not in [one["id"] for one in service.get("/feeds")["items"]]
    assert feed["id"] in [one["id"] for one in service.get("/feeds", retired="true")["items"]]
    assert service.ask("POST", f"{path}/resume").status_code == 409
    acts = [
        line["action"]
        for line in rows(service.rt, tables.audit)
        if line["target"] == path.strip("/").replace("s/", " ")
    ]
    assert acts == ["feeds.add", "feeds.settle", "feeds.pause", "feeds.resume", "feeds.poll", "feeds.retire"]


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1/feed", "http://10.0.0.1/", "https://a@b.example/", "http://x.example:22/"]
)
def test_a_refused_address_is_a_mistake_at_its_place(service: Service, url: str) -> None:
    answer = service.ask("POST", "/feeds", json={"url": url})
    assert (answer.status_code, [one["pointer"] for one in answer.json()["errors"]]) == (422, ["#/url"])


def test_a_feed_of_watcher_yml_is_changed_there(service: Service) -> None:
    feed = service.get("/feeds", text="file.example")["items"][0]
    body = {"tags": [], "every_s": None, "full_text": True}
    answer = service.ask("PUT", f"/feeds/{feed['id']}", json=body)
    assert (answer.status_code, answer.json()["detail"]) == (409, "watcher.yml names it: change it there.")


def test_headers_of_a_feed_are_named_and_never_shown(service: Service) -> None:
    assert service.get("/feeds", text="a paper")["items"][0]["headers"] == ["Authorization"]
    assert "NO_SUCH_SECRET" not in service.ask("GET", "/feeds").text


def test_lists_of_feeds_are_taken_and_given(service: Service) -> None:
    kind = {"content-type": "text/x-opml"}
    tried = changed(service, "POST", "/feeds/opml?dry_run=true&tag=x", content=OPML, headers=kind)
    assert (tried["added"], [one["line"] for one in tried["refused"]]) == (["https://one.example/rss"], [3])
    assert "one.example" not in service.ask("GET", "/feeds/opml").text
    taken = changed(service, "POST", "/feeds/opml", content=OPML, headers={"content-type": "text/xml"})
    assert taken["added"] == tried["added"]
    assert changed(service, "POST", "/feeds/opml", content=OPML, headers=kind)["known"] == tried["added"]
    given = service.ask("GET", "/feeds/opml")
    assert (given.headers["content-type"], "one.example" in given.text) == ("text/x-opml; charset=utf-8", True)
    assert service.ask("POST", "/feeds/opml", content=b"<html/>", headers=kind).status_code == 400


def test_channels_show_no_secret_and_can_be_stopped(service: Service) -> None:
    mail = service.get("/channels/mail")
    assert (mail["way"], mail["to"], mail["server"]) == ("d***@example.org", "desk@example.org", "smtp://127.0.0.1:9")
    reader = service.ask("GET", "/channels/mail", headers=service.token("channel-reader", "read")).json()
    assert reader["to"] == "d***@example.org"
    stopped = changed(service, "POST", "/channels/hook/disable", json={"reason": "moving house"})
    assert (stopped["sends"], stopped["disabled_reason"]) == (False, "moving house")
    assert changed(service, "POST", "/channels/hook/enable") == {"due": 2, "parked": 0}
    assert service.get("/channels/hook")["sends"] is True
    tried = changed(service, "POST", "/channels/mail/test", json={"language": "zh"})
    assert (tried["outcome"], tried["reason"]) == ("retry", "connection")
    assert service.ask("POST", "/channels/nobody/enable").status_code == 404


def test_a_message_is_shown_without_what_its_links_allow(service: Service) -> None:
    (first,) = service.get("/deliveries", event=1)["items"]
    assert (first["channel_id"], first["subscription_id"], first["state"]) == ("hook", "desk", "pending")
    whole = service.get(f"/deliveries/{first['id']}")
    assert "https://watch.example/u/hidden" in whole["body"]
    assert whole["attempts"] == []
    again = changed(service, "POST", f"/deliveries/{first['id']}/retry")
    assert again["reason"] == "retried by hand"
    assert service.get("/deliveries", state="sent")["items"] == []
    both = service.ask("GET", "/deliveries?state=sent&state=pending").json()["items"]
    assert [one["id"] for one in both] == [2, 1]
    assert changed(service, "POST", "/deliveries/retry", json={"every_parked": True}) == {"changed": 0}
    assert service.ask("POST", "/deliveries/retry", json={}).status_code == 409


def test_a_subscription_is_made_in_the_words_of_watcher_yml(service: Service) -> None:
    body = {"channels": ["hook"], "rules": ["funding"], "at_least": "10M EUR", "when": "daily 07:30 on weekdays"}
    body |= {"zone": "Asia/Seoul", "quiet": "22:00-06:00", "budget": "20 per day"}
    made = service.ask("PUT", "/subscriptions/seoul", json=body)
    assert (made.status_code, made.headers["location"]) == (201, "/api/v1/subscriptions/seoul")
    told = made.json()
    assert (told["origin"], told["state"], told["at_least"]) == ("api", "active", "10M EUR")
    assert told["schedule"] == {
        "when": "daily", "at": "07:30", "weekday": 0, "weekdays_only": True, "zone": "Asia/Seoul"
    }  # fmt: skip
    assert (told["quiet"], told["budget"]) == ({"begins": "22:00", "ends": "06:00"}, {"messages": 20, "per_s": 86400})
    config = next(row["config"] for row in rows(service.rt, tables.subscriptions) if row["id"] == "seoul")
    assert config["at_least_usd"] > 10e6
    assert service.ask("PUT", "/subscriptions/seoul", json=body | {"language": "zh"}).json()["language"] == "zh"
    for _ in range(2):
        assert service.ask("DELETE", "/subscriptions/seoul").status_code == 204
    ended = service.get("/subscriptions/seoul")
    assert (ended["state"], ended["ended_by"]) == ("ended", "api")
    assert service.ask("POST", "/subscriptions/seoul/send").status_code == 409
    assert changed(service, "POST", "/subscriptions/seoul/resume")["state"] == "active"


def test_every_wrong_word_of_a_subscription_has_its_pointer(service: Service) -> None:
    body = {
        "channels": ["hook"],
        "when": "daily 25:00",
        "zone": "Mars/Olympus",
        "params": {"funding": {"at_least": "much"}},
    }
    answer = service.ask("PUT", "/subscriptions/wrong", json=body)
    pointers = sorted(one["pointer"] for one in answer.json()["errors"])
    assert (answer.status_code, pointers) == (422, ["#/params/funding/at_least", "#/when", "#/zone"])
    answer = service.ask("PUT", "/subscriptions/wrong", json={"channels": ["hook", "nobody"], "rules": ["fundings"]})
    assert [one["pointer"] for one in answer.json()["errors"]] == ["#/channels/1", "#/rules"]
    assert "did you mean funding?" in answer.text
    assert service.ask("PUT", "/subscriptions/desk", json={"channels": ["hook"]}).status_code == 409


def test_something_is_muted_and_told_again(service: Service) -> None:
    body = {"kind": "party", "value": " Acme Bio "}
    made = service.ask("POST", "/subscriptions/desk/mutes", json=body)
    mute = made.json()
    assert (made.status_code, mute["value"], mute["origin"]) == (201, "Acme Bio", "api")
    path = made.headers["location"].removeprefix("/api/v1")
    later = service.ask("POST", "/subscriptions/desk/mutes", json=body | {"until": "2099-01-01T00:00:00+08:00"})
    assert (later.status_code, later.json()["until"]) == (200, "2098-12-31T16:00:00Z")
    assert service.get(path) == later.json()
    assert service.ask("DELETE", path).status_code == 204
    assert service.ask("DELETE", path).status_code == 404
    for wrong, pointer in (
        ({"kind": "story", "value": "x"}, "#/value"),
        ({**body, "until": "2020-01-01T00:00:00Z"}, "#/until"),
    ):
        answer = service.ask("POST", "/subscriptions/desk/mutes", json=wrong)
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


def test_digests_are_listed_previewed_and_sent_early(service: Service) -> None:
    (waiting,) = service.get("/digests", open="true", subscription="china")["items"]
    assert (waiting["alerts"], waiting["immediate"], waiting["deliveries"]) == (2, False, [])
    whole = service.get(f"/digests/{waiting['id']}")
    assert [(one["event_id"], one["reason"]) for one in whole["events"]] == [(1, "rule funding"), (2, "rule funding")]
    shown = service.get("/subscriptions/china/preview", language="en")
    assert (sorted(shown["events"]), shown["subject"]) == ([1, 2], shown["subject"])
    assert "https://watch.example/e/hidden" in shown["text"]
    hook = service.get("/subscriptions/china/preview", channel="hook", days="2")
    assert (hook["html"], '"type":"digest' in hook["text"].replace(" ", "")) == (None, True)
    assert changed(service, "POST", "/subscriptions/china/send") == {"changed": 1}
    assert changed(service, "POST", "/digests/retry") == {"changed": 0}


def test_rules_are_listed_with_what_they_did(service: Service) -> None:
    rule = service.get("/rules/funding")
    assert (rule["title"], rule["tests"], rule["fired_month"], rule["file"]) == ("Funding", 2, 2, "funding.yml")
    assert rule["facts"] == [{"name": "amount", "kind": "money"}]
    assert rule["precision"]["standing"] == "no_floor"
    assert service.ask("GET", "/rules/funding/file").text == RULE
    answer = service.ask("PUT", "/rules/funding/file", json={"text": RULE, "was": "0" * 64})
    assert (answer.status_code, "WATCHER_RULES_WRITABLE is off" in answer.json()["detail"]) == (409, True)


def test_a_draft_is_checked_and_tried_on_stored_items(service: Service) -> None:
    wrong = {"name": "funding.yml", "text": RULE.replace("phrases", "phrase").replace("stable", "stabel")}
    checked = changed(service, "POST", "/drafts/check", json=wrong)
    assert [one["line"] for one in checked["mistakes"]] == [3, 9]
    assert service.ask("POST", "/drafts/runs", json=wrong).status_code == 422
    good = {"name": "funding.yml", "text": RULE.replace("raises, raised", "投资")}
    checked = changed(service, "POST", "/drafts/check", json=good)
    assert (checked["mistakes"], len(checked["failures"]), checked["rule_id"]) == ([], 1, "funding")
    begun = service.ask("POST", "/drafts/runs", json=good | {"days": 2})
    assert begun.status_code == 201
    path = begun.headers["location"].removeprefix("/api/v1")
    for _ in range(200):
        trial = service.get(path)
        if trial["state"] != "running":
            break
        time.sleep(0.05)
    assert (trial["state"], trial["seen"], trial["new"], trial["lost"]) == ("done", 2, 1, 1)
    assert {(one["item_id"], one["change"]) for one in trial["rows"]} == {(1, "lost"), (2, "new")}
    assert service.ask("DELETE", path).status_code == 204


def test_the_status_says_what_is_missing(service: Service) -> None:
    status = service.get("/status")
    assert (status["ready"], status["checks"]["database"]) == (False, "ok")
    assert "broker does not answer" in status["checks"]["broker"]
    assert status["feeds"]["new"] >= 3


def test_settings_hide_their_secrets(service: Service) -> None:
    found = {one["variable"]: one for one in service.get("/settings")["items"]}
    assert (found["WATCHER_DATABASE_URL"]["value"], found["WATCHER_DATABASE_URL"]["secret"]) == ("(set)", True)
    assert found["WATCHER_API_PER_MINUTE"]["value"] == 1_000_000


def test_addresses_are_masked_from_those_who_only_read(service: Service) -> None:
    (one,) = service.get("/suppressions")["items"]
    assert (one["address"], one["reason"]) == ("gone@example.org", "smtp_550")
    answer = service.ask("GET", "/suppressions", headers=service.token("suppression-reader", "read"))
    assert answer.json()["items"][0]["address"] == "g***@example.org"
    path = f"/suppressions/{one['address_key']}"
    assert [service.ask("DELETE", path).status_code for _ in range(2)] == [204, 404]


def test_the_audit_log_is_read_by_noun(service: Service) -> None:
    service.ask("POST", "/feeds/poll")
    lines = service.get("/audit", action="feeds", limit=1)["items"]
    assert [(one["who"], one["action"], one["target"], one["client"]) for one in lines] == [
        ("tester", "feeds.poll", "every feed", "127.0.0.1")
    ]
    assert service.get("/audit", who="nobody")["items"] == []
