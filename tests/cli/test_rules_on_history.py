"""Rules tried on stored items: backtest, apply, statistics, verdicts, on SQLite and on PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from row_factories import add_channel, add_feed, draft, now, subscription
from rule_factories import HEAD, rule_text, write_rules
from sqlalchemy import select
from typer.testing import CliRunner

from watcher import pipeline, runtime, settings
from watcher.cli import app
from watcher.model import Schedule, When
from watcher.runtime import Runtime
from watcher.store import history, items, subscriptions, verdicts
from watcher.store.schema import alerts, events
from watcher.store.schema import items as item_rows
from watcher.store.schema import matches as match_rows
from watcher.store.verdicts import Ledger, Verdict

RUNNER = CliRunner()
DEALS = "selections:\n  a:\n    any: [deal]\n  b:\n    any: [storm]\ncondition: a or b\n"
ROUNDS = """\
selections: {a: {all: [raise, {money: 1}]}}
condition: a
facts: {amount: {kind: money}}
params: {at_least: 0 USD}
"""
TEXTS = {
    "one": "A deal for EXA101 was made.",
    "two": "Acme Bio raised $5 million.",
    "three": "Acme Cell raised $50 million.",
    "four": "A pact was made in the south.",
    "five": "It rained.",
}


@dataclass(kw_only=True)
class Shop:
    """A database with classified items, and the folder of the rules that classified them."""

    rt: Runtime
    rules: Path
    item_ids: dict[str, int]

    def run(self, *arguments: str) -> tuple[int, str]:
        result = RUNNER.invoke(app, [*arguments])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result.exit_code, result.stdout

    def json(self, *arguments: str) -> Any:
        return json.loads(self.run(*arguments, "--json")[1])

    def work(self) -> None:
        """Take the line as far as the alerts."""
        self.rt.rules._stamp = None  # look at the files now, not in five seconds
        for _ in range(5):
            with self.rt.database.read() as conn:
                waiting = items.due(conn, now=now(), limit=50)
            told = pipeline.classify_items(self.rt, waiting)
            pipeline.raise_alerts(self.rt, told.get(pipeline.Step.EVENTS, []))

    def events(self) -> list[tuple[str, str]]:
        with self.rt.database.read() as conn:
            return [(row.rule_id, row.title) for row in conn.execute(select(events).order_by(events.c.id))]

    def event(self, name: str) -> str:
        """The id of the event that the item of that name tells."""
        with self.rt.database.read() as conn:
            (found,) = history.events_of(conn, self.item_ids[name])
        return str(found)

    def alerts(self) -> int:
        with self.rt.database.read() as conn:
            return len(conn.execute(select(alerts)).all())


@pytest.fixture
def shop(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    rules = write_rules(
        tmp_path / "rules", deals=rule_text(DEALS, rule_id="deals"), rounds=rule_text(ROUNDS, rule_id="rounds")
    )
    monkeypatch.setenv("WATCHER_DATABASE_URL", database_url)
    monkeypatch.setenv("WATCHER_RULES_DIR", str(rules))
    monkeypatch.chdir(tmp_path)
    rt = runtime.open(settings.load())
    add_channel(rt.database)
    feed_id = add_feed(rt.database, title="Park news")
    with rt.database.write() as conn:
        wanted = [
            subscription("daily"),
            subscription("big", at_least="10M USD", at_least_usd=1e7, schedule=Schedule(when=When.IMMEDIATE)),
        ]
        subscriptions.sync_subscriptions(conn, wanted, ops=(), now=now())
        drafts = [draft(name, text=text, title=f"News {name}") for name, text in TEXTS.items()]
        ids = items.insert_new(conn, feed_id, drafts, history=lambda _: False, now=now())
    found = Shop(rt=rt, rules=rules, item_ids=dict(zip(TEXTS, ids, strict=True)))
    found.work()
    yield found
    rt.close()


def candidate(shop: Shop, tmp_path: Path, **files: str) -> str:
    """A copy of the running rules with some files written anew."""
    old = {path.stem: path.read_text("utf-8") for path in shop.rules.glob("*.yml")}
    return str(write_rules(tmp_path / "candidate", **{**old, **files}))


def test_backtest_tells_what_comes_and_goes_and_who_would_hear(shop: Shop, tmp_path: Path) -> None:
    folder = candidate(
        shop,
        tmp_path,
        rounds=rule_text(ROUNDS.replace("0 USD", "10M USD"), rule_id="rounds"),
        pacts=rule_text("selections: {a: {any: [pact]}}\ncondition: a\n", rule_id="pacts"),
    )
    found = shop.json("rules", "backtest", "--rules", folder)
    assert found["rules"] == ["pacts", "rounds"]
    assert found["counts"]["pacts"] == {"new": 1, "lost": 0, "facts": 0, "kept": 0}
    assert found["counts"]["rounds"] == {"new": 0, "lost": 1, "facts": 0, "kept": 1}
    assert [(one["id"], one["change"], one["decided"]) for one in found["changes"]] == [
        (str(shop.item_ids["two"]), "lost", "amount 5M USD is below 10M USD"),
        (str(shop.item_ids["four"]), "new", "a: phrases: pact ('pact')"),
    ]
    assert found["channels"] == {
        "more": {"hook": {"messages": 1, "entries": 1}},
        "less": {"hook": {"messages": 0, "entries": 1}},
    }
    assert [(one["subscription"], one["title"]) for one in found["less"]] == [("daily", "News two")]
    assert sorted(shop.events()) == [("deals", "News one"), ("rounds", "News three"), ("rounds", "News two")]


@pytest.mark.parametrize(
    ("limits", "status"), [((), 3), (("--max-new", "1", "--max-lost", "1"), 0), (("--max-lost", "0"), 3)]
)
def test_backtest_ends_with_three_when_more_changes_than_allowed(
    shop: Shop, tmp_path: Path, limits: tuple[str, ...], status: int
) -> None:
    folder = candidate(shop, tmp_path, deals=rule_text(DEALS.replace("deal", "pact"), rule_id="deals"))
    found, out = shop.run("rules", "backtest", "--rules", folder, "--count-only", *limits)
    assert found == status
    assert "deals: +1 new  −1 lost  ~0 with other facts  0 kept  of 5 items" in out
    assert "News" not in out


def test_backtest_of_the_running_rules_runs_nothing_and_ends_with_zero(shop: Shop) -> None:
    assert shop.run("rules", "backtest") == (0, "no rule finds anything else: nothing was run\n")


def test_a_changed_model_file_is_noticed_and_kept_with_the_rules(shop: Shop) -> None:
    body = "selections: {a: {any: [{likeness: {model: taste, at_least: 0.9}}]}}\ncondition: a\n"
    write_rules(shop.rules, tastes=rule_text(body, rule_id="tastes"))
    for bias in ("-9", "9"):
        (shop.rules / "models").mkdir(exist_ok=True)
        (shop.rules / "models" / "taste.tsv").write_text(f"{bias}\t(bias)\n", encoding="utf-8")
        with shop.rt.database.write() as conn:
            conn.exec_driver_sql("UPDATE items SET classified_at = NULL")
        shop.work()
    assert [rule for rule, _ in shop.events()].count("tastes") == 5
    (shop.rules / "models" / "taste.tsv").write_text("-9\t(bias)\n", encoding="utf-8")
    found = shop.json("rules", "backtest", "--days", "1")
    assert found["counts"]["tastes"] == {"new": 0, "lost": 5, "facts": 0, "kept": 0}


def test_the_running_rules_are_found_when_the_folder_changed_since(shop: Shop, tmp_path: Path) -> None:
    write_rules(shop.rules, deals=rule_text(DEALS.replace("deal", "pact"), rule_id="deals"))
    found = shop.json("rules", "backtest")
    assert found["counts"]["deals"] == {"new": 1, "lost": 1, "facts": 0, "kept": 0}


def test_the_running_rules_are_found_though_they_never_matched(shop: Shop) -> None:
    quiet = rule_text("selections: {a: {any: [avalanche]}}\ncondition: a\n", rule_id="rounds")
    write_rules(shop.rules, deals=rule_text(DEALS.replace("deal", "glacier"), rule_id="deals"), rounds=quiet)
    with shop.rt.database.write() as conn:
        conn.exec_driver_sql("UPDATE items SET classified_at = NULL")
    shop.work()
    with shop.rt.database.read() as conn:
        running = history.running_version(conn)
        assert running == shop.rt.rules.engine().version
        assert (history.rule_files(conn, running) or {})["rounds.yml"] == quiet
    write_rules(shop.rules, deals=rule_text(DEALS, rule_id="deals"))
    assert shop.json("rules", "backtest")["counts"] == {"deals": {"new": 1, "lost": 0, "facts": 0, "kept": 0}}


def test_a_changed_rule_reaches_old_items_only_when_asked_and_tells_only_what_is_new(shop: Shop) -> None:
    before = shop.alerts()
    write_rules(shop.rules, deals=rule_text(DEALS.replace("[deal]", "[deal, pact]"), rule_id="deals"))
    shop.work()
    assert (len(shop.events()), shop.alerts()) == (3, before)

    status, out = shop.run("rules", "apply", "--days", "3")
    assert status == 0
    assert "5 items of the last 3 days were classified by other rules" in out
    assert "1 new event; 3 matches of known events" in out
    assert "nothing was changed: --yes does it" in out
    shop.work()
    assert (len(shop.events()), shop.alerts()) == (3, before)

    assert shop.json("rules", "apply", "--days", "3", "--yes")["applied"] is True
    shop.work()
    assert shop.events()[3:] == [("deals", "News four")]
    assert shop.alerts() == before + 2
    assert shop.json("rules", "apply", "--days", "3")["items"] == 0


def test_lines_break_at_a_terminals_width_and_never_in_a_pipe(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    with shop.rt.database.write() as conn:
        conn.exec_driver_sql(f"UPDATE items SET title = '{'long ' * 40}end' WHERE id = {shop.item_ids['two']}")
    assert f"Park news  {'long ' * 40}end  rounds" in shop.run("items", "list")[1]
    monkeypatch.setenv("COLUMNS", "60")
    assert max(map(len, shop.run("items", "list")[1].splitlines())) <= 60


def test_explain_of_a_stored_item_says_what_each_subscription_made_of_it(shop: Shop) -> None:
    item_id = str(shop.item_ids["two"])
    found = shop.json("rules", "explain", item_id)
    assert [(one["rule"], one["matched"]) for one in found["rules"]] == [("deals", False), ("rounds", True)]
    assert [(one["subscription_id"], one["chosen"], one["reason"]) for one in found["subscriptions"]] == [
        ("big", False, "5M USD is below 10M USD"),
        ("daily", True, "rule rounds"),
    ]
    status, out = shop.run("rules", "explain", item_id)
    assert status == 0
    assert "✓ rounds: matches by a" in out
    assert "(rounds) → big: 5M USD is below 10M USD" in out


@pytest.mark.parametrize("arguments", [(), ("1", "--input", "-")])
def test_explain_wants_either_an_item_or_a_file(shop: Shop, arguments: tuple[str, ...]) -> None:
    assert shop.run("rules", "explain", *arguments)[0] == 2


def test_stats_show_what_fired_and_which_selection_never_holds(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watcher.cli.stats.ENOUGH", 5)
    write_rules(shop.rules, pacts=rule_text("selections: {a: {any: [glacier]}}\ncondition: a\n", rule_id="pacts"))
    shop.run("events", "judge", shop.event("one"), "useful", "--who", "ann")
    rows = [json.loads(line) for line in shop.run("rules", "list", "--stats", "--json")[1].splitlines()]
    assert [(row["rule"], row["fired"], row["items"], row["items_seen"]) for row in rows] == [
        ("deals", 1, 1, 5),
        ("pacts", 0, 0, 5),
        ("rounds", 2, 2, 5),
    ]
    assert [row["never_hold"] for row in rows] == [["b"], ["a"], []]
    assert [row["precision"] for row in rows] == [1.0, None, None]
    assert rows[1]["look_at"] == ["dead: nothing in 30 days", "never held in 5 items: a"]
    assert rows[2]["look_at"] == ["too often: 40% of all items"]


def test_the_last_word_of_each_person_counts(shop: Shop) -> None:
    for who, verdict in (("ann", "useful"), ("ann", "not_useful"), ("bob", "wrong_facts")):
        assert shop.run("events", "judge", shop.event("one"), verdict, "--who", who)[0] == 0
    with shop.rt.database.read() as conn:
        assert verdicts.ledgers(conn) == {"deals": Ledger(not_useful=1, wrong_facts=1)}
        version = shop.rt.rules.engine().version
        assert {one.rules_version for one in verdicts.judged(conn)} == {version}
    assert shop.run("events", "judge", "99", "useful")[0] == 1
    (row,) = [json.loads(line) for line in shop.run("events", "list", "--rule", "deals", "--json")[1].splitlines()]
    assert row["verdicts"] == ["not_useful (ann)", "wrong_facts (bob)"]


def test_exported_verdicts_are_tests_that_a_rule_file_takes(shop: Shop, tmp_path: Path) -> None:
    shop.run("events", "judge", shop.event("two"), "useful", "--note", 'a "real" round: yes')
    shop.run("events", "judge", shop.event("three"), "not_useful")
    _, out = shop.run("rules", "verdicts", "export", "--rule", "rounds")
    head, *lines = out.splitlines()
    assert head == "# under tests: of the rule rounds"
    text = HEAD.format(id="rounds") + ROUNDS + "tests:\n" + "\n".join(lines) + "\n"
    folder = write_rules(tmp_path / "pasted", rounds=text)
    assert shop.run("rules", "lint", "--rules", str(folder))[0] == 0
    found = shop.json("rules", "test", "--rules", str(folder))
    assert found["tests"] == 2
    assert [one["message"] for one in found["failures"]] == [
        "should not match, but does (a): 'Acme Cell raised $50 million.'"
    ]


def test_an_event_that_people_judge_otherwise_is_no_example(shop: Shop) -> None:
    shop.run("events", "judge", shop.event("two"), "useful", "--who", "ann")
    shop.run("events", "judge", shop.event("two"), "not_useful", "--who", "bob")
    assert shop.run("rules", "verdicts", "export")[1] == ""


def test_an_export_without_verdicts_says_so_and_of_which_rule(shop: Shop) -> None:
    told = RUNNER.invoke(app, ["rules", "verdicts", "export", "--rule", "typo"])
    assert (told.exit_code, told.stdout) == (0, "")
    assert told.stderr.startswith("no settled verdict on an event of the rule 'typo': ")


@pytest.mark.parametrize(
    "arguments", [("rules", "match"), ("rules", "score"), ("rules", "explain"), ("stories", "group")]
)
def test_a_file_without_items_is_told(shop: Shop, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    (tmp_path / "none.jsonl").write_text("\n")
    told = RUNNER.invoke(app, [*arguments, "--input", "none.jsonl"])
    assert told.stderr.startswith("none.jsonl: no items in it\n")


def test_help_of_a_noun_offers_no_shell_completion() -> None:
    for noun in ("rules", "stories", "events"):
        assert "completion" not in RUNNER.invoke(app, [noun, "--help"]).stdout


def test_items_are_listed_with_their_rules_and_exported_for_a_diff(shop: Shop, tmp_path: Path) -> None:
    rows = [json.loads(line) for line in shop.run("items", "list", "--rule", "rounds", "--json")[1].splitlines()]
    assert [(row["title"], row["rules"]) for row in rows] == [("News three", ["rounds"]), ("News two", ["rounds"])]
    path = tmp_path / "items.jsonl"
    path.write_text(shop.run("items", "export")[1], encoding="utf-8")
    folder = candidate(shop, tmp_path, deals=rule_text(DEALS.replace("deal", "pact"), rule_id="deals"))
    status, out = shop.run("rules", "diff", str(shop.rules), folder, "--input", str(path), "--json")
    assert status == 3
    assert json.loads(out)["counts"] == {"deals": {"new": 1, "lost": 1, "facts": 0, "kept": 0}}


def _age(shop: Shop, name: str) -> Callable[[], Any]:
    old = now() - timedelta(days=200)
    with shop.rt.database.write() as conn:
        conn.execute(item_rows.update().where(item_rows.c.id == shop.item_ids[name]).values(first_seen_at=old))

    def look() -> Any:
        with shop.rt.database.read() as conn:
            return conn.execute(select(item_rows).where(item_rows.c.id == shop.item_ids[name])).one()

    return look


def test_old_items_that_no_event_uses_lose_their_words_but_stay_known(shop: Shop) -> None:
    unused, used, young = _age(shop, "five"), _age(shop, "one"), shop.item_ids["four"]
    with shop.rt.database.write() as conn:
        before = now() - timedelta(days=180)
        assert history.forget(conn, before=before, limit=10) == 1
        assert history.forget(conn, before=before, limit=10) == 0
    assert (unused().text, unused().title, used().text) == ("", "News five", TEXTS["one"])
    with shop.rt.database.write() as conn:
        found = history.item(conn, young)
        assert found is not None
        assert found.text == TEXTS["four"]
        again = draft("five", text=TEXTS["five"], title="News five")
        assert items.insert_new(conn, found.feed_id, [again], history=lambda _: False, now=now()) == []


def test_the_sweep_forgets_old_items_once_an_hour(shop: Shop) -> None:
    first = _age(shop, "five")
    pipeline.due(shop.rt)
    assert first().text == ""
    second = _age(shop, "four")
    pipeline.due(shop.rt)
    assert second().text == TEXTS["four"]
    shop.rt.clock = lambda: now() + timedelta(hours=2)
    pipeline.due(shop.rt)
    assert second().text == ""


def test_matches_of_forgotten_items_go_too(shop: Shop) -> None:
    _age(shop, "one")
    with shop.rt.database.write() as conn:
        conn.exec_driver_sql("DELETE FROM alerts")
        conn.exec_driver_sql("DELETE FROM event_sources")
        conn.exec_driver_sql("UPDATE stories SET closed_at = last_item_at")
        assert history.forget(conn, before=now() - timedelta(days=180), limit=10) == 1
        left = set(conn.execute(select(match_rows.c.item_id)).scalars())
    assert left == {shop.item_ids["two"], shop.item_ids["three"]}


def test_verdicts_are_words_of_a_closed_set() -> None:
    assert [str(one) for one in Verdict] == ["useful", "not_useful", "wrong_facts"]
