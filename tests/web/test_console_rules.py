"""The pages of the rules: what each did, its ledger, its readers, a shadow beside live rules, files with mistakes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from benched import classified, open_bench, stored
from reading import at_desk

from watcher.runtime import Runtime
from watcher.store import verdicts
from watcher.store.verdicts import Verdict

RULE = """id: {id}
title: {title}
status: {status}
level: low
falsepositives: [Yearly lists]
selections:
  round:
    any:
      - {phrase}
condition: round
tests:
  - match: Acme closed a round. {phrase}
  - no_match: Acme opened a laboratory.
"""


@pytest.fixture
def rt(database_url: str, tmp_path: Path) -> Iterator[Runtime]:
    """A live rule and a shadow of it, which told one story together and one each alone."""
    rules = tmp_path / "rules"
    rules.mkdir()
    live = RULE.format(id="rounds", title="Rounds", status="stable", phrase="close a round")
    (rules / "rounds.yml").write_text(live)
    shadow = RULE.format(id="rounds-next", title="Rounds next", status="experimental", phrase="series A")
    (rules / "rounds-next.yml").write_text(shadow)
    rt = open_bench(database_url, tmp_path, rules=rules)
    texts = ("Acme Bio closed a round, its series A.", "Northwind closed a round.", "Ryvola tells of its series A.")
    lines = [{"id": f"n{n}", "title": one, "text": one, "lang": "en"} for n, one in enumerate(texts)]
    classified(rt, stored(rt, lines))
    with rt.database.write() as conn:
        for one in verdicts.listing(conn, rule_id="rounds", limit=2):
            verdicts.record(conn, one["id"], Verdict.USEFUL, who="reader:desk", note="", now=rt.clock())
    yield rt
    rt.close()


@pytest.fixture
def desk(rt: Runtime) -> Iterator[httpx.Client]:
    with at_desk(rt) as client:
        client.timeout = httpx.Timeout(60)
        yield client


def words(page: str) -> str:
    return " ".join(page.split())


def test_the_list_says_what_each_rule_did_and_what_was_said_of_it(desk: httpx.Client) -> None:
    page = words(desk.get("/rules").text)
    assert '<td class="count">2</td> <td class="count">2</td>' in page
    assert "between 34 and 100 %" in page
    assert "recorded, never sent" in page


def test_a_shadow_stands_beside_the_live_rule(desk: httpx.Client) -> None:
    page = words(desk.get("/rules/rounds-next").text)
    assert '<td class="count">1</td><td class="count">1</td><td class="count">1</td>' in page
    assert "33 %" in page
    assert "Ryvola tells of its series A." in page
    assert "Northwind closed a round." in page


def test_one_rule_shows_its_text_ledger_and_examples(desk: httpx.Client) -> None:
    page = words(desk.get("/rules/rounds").text)
    assert "1.00 [0.34, 1.00] of 2 verdicts" in page
    assert "Yearly lists" in page
    assert '<li id="line-1"><code>id: rounds</code></li>' in page
    assert "all hold" in desk.get("/rules/rounds/examples").text
    assert desk.get("/rules/none-such").status_code == 404


def test_files_with_mistakes_are_shown_while_the_last_good_ones_run(desk: httpx.Client, rt: Runtime) -> None:
    desk.get("/rules")
    (rt.rules.folder / "rounds.yml").write_text("id: rounds\nlevel: none\n")
    rt.rules._looked_at = 0.0
    page = words(desk.get("/rules").text)
    assert "rounds.yml:2" in page
    assert "The last good ones go on." in page
    assert "Rounds next" in page
