"""The workbench as a browser meets it: mistakes at their lines, runs on stored news, examples, files, bad drafts."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest
from benched import SHIPPED, news, open_bench, stored
from reading import at_desk, hidden, rows

from watcher.match.inline import with_test
from watcher.pipeline import workbench
from watcher.pipeline.rule_files import digest
from watcher.runtime import Runtime
from watcher.store.schema import audit

FUNDING = (SHIPPED / "funding.yml").read_text("utf-8")
WIDER = FUNDING.replace("      - list: fund_word\n", "      - list: money_words\n", 1)
"""The shipped rule with another list of words: it finds more and loses some."""
MINI = """id: {id}
title: Mini
status: stable
level: low
selections:
  round:
    any:
      - {clause}
condition: round
tests:
  - match: Acme closed a round.
  - no_match: Acme opened a laboratory.
"""

NOW = MINI.format(id="mini", clause="close a round")
OTHER = MINI.format(id="mini", clause="raise|close|complete")


@contextmanager
def at_bench(rt: Runtime) -> Iterator[httpx.Client]:
    """A client that waits for rules to be compiled on a machine with much to do."""
    with at_desk(rt) as client:
        client.timeout = httpx.Timeout(60)
        yield client


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[httpx.Client]:
    """The shipped rules and thirty real items."""
    folder = tmp_path_factory.mktemp("shipped")
    (folder / "watcher.db").write_bytes(sqlite_template.read_bytes())
    rt = open_bench(f"sqlite:///{folder / 'watcher.db'}", folder)
    stored(rt, [*news("learned/money_en", most=20), *news("learned/papers_zh", most=10)])
    with at_bench(rt) as client:
        yield client
    rt.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Runtime]:
    """One small rule and forty real items, for pages that change nothing."""
    folder = tmp_path_factory.mktemp("shared")
    (folder / "watcher.db").write_bytes(sqlite_template.read_bytes())
    rt = open_bench(f"sqlite:///{folder / 'watcher.db'}", folder, rules=_mini(folder))
    stored(rt, [*news("learned/money_en", most=24), *news("learned/papers_zh", most=16)])
    yield rt
    rt.close()


@pytest.fixture(scope="module")
def desk(shared: Runtime) -> Iterator[httpx.Client]:
    with at_bench(shared) as client:
        yield client


@pytest.fixture
def small(sqlite_url: str, tmp_path: Path) -> Iterator[Runtime]:
    """One small rule in a folder that the console may write to."""
    rt = open_bench(sqlite_url, tmp_path, rules=_mini(tmp_path), rules_writable=True)
    yield rt
    rt.close()


def _mini(folder: Path) -> Path:
    rules = folder / "rules"
    rules.mkdir()
    (rules / "mini.yml").write_bytes(NOW.encode())
    return rules


def send(client: httpx.Client, path: str, act: str, text: str, **more: str) -> httpx.Response:
    """The workbench's form as a browser sends it, with CR LF at the ends of its lines."""
    page = client.get(path).text
    fields = {"seal": hidden(page), "was": hidden(page, "was"), "windows": hidden(page, "windows"), "days": "7"}
    return client.post(path, data=fields | {"text": text.replace("\n", "\r\n"), "act": act, "run": ""} | more)


def draft_of(page: str) -> str:
    """The text in the text area, as a browser reads it."""
    found = re.search(r"<textarea[^>]*>\n?(.*?)</textarea>", page, re.DOTALL)
    assert found is not None
    return unescape(found[1])


def mistakes(page: str) -> list[str]:
    """What the page says is wrong, as text."""
    listed = re.search(r'<ul class="mistakes">(.*?)</ul>', page, re.DOTALL)
    found = re.findall(r"<li>(.*?)</li>", listed[1], re.DOTALL) if listed else []
    return [" ".join(unescape(re.sub(r"<[^>]+>", "", one)).split()) for one in found]


def finished(client: httpx.Client, page: str) -> str:
    """The page of the run that this page began, once it has ended."""
    run = hidden(page, "run")
    for _ in range(300):
        page = client.get(f"/workbench/runs/{run}").text
        if ">running</span>" not in page:
            return page
        time.sleep(0.1)
    raise AssertionError("the run did not end")


def test_a_file_comes_back_byte_for_byte(shipped: httpx.Client) -> None:
    page = shipped.get("/rules/funding/workbench").text
    assert draft_of(page) == FUNDING
    assert "58 examples hold" in " ".join(page.split())
    answer = send(shipped, "/rules/funding/workbench", "download", FUNDING)
    assert answer.content == (SHIPPED / "funding.yml").read_bytes()
    assert answer.headers["content-disposition"] == 'attachment; filename="funding.yml"'


def test_every_mistake_comes_at_once_with_its_line(shipped: httpx.Client) -> None:
    wrong = FUNDING.replace("stance: [asserted]", "stance: [assertd]", 1).replace("level: medium", "level: meduim")
    line = FUNDING[: FUNDING.index("stance: [asserted]")].count("\n") + 1
    answer = send(shipped, "/rules/funding/workbench", "check", wrong)
    assert answer.status_code == 422
    assert mistakes(answer.text) == [
        "line 6: 'meduim' is not one of low, medium, high (did you mean 'medium'?)",
        f"line {line}: 'assertd' is not one of asserted, planned, expected, rumoured, sought, denied, ended, "
        "background, conditional (did you mean 'asserted'?)",
    ]
    assert f'<li id="line-{line}" class="mistake">' in answer.text
    assert draft_of(answer.text) == wrong


def test_a_run_tells_what_is_new_lost_and_kept_by_which_words(shipped: httpx.Client) -> None:
    page = finished(shipped, send(shipped, "/rules/funding/workbench", "run", WIDER).text)
    assert "<p>30 of 30 items, in " in page
    counts = dict(re.findall(r'class="workbench-(\w+)" href="#\w+">(\d+) ', page))
    assert sum(map(int, counts.values())) > 0
    assert int(counts["kept"]) > 0
    assert "<mark>" in page
    assert "funding: selection money_in: − 'list: fund_word'; + 'list: money_words'" in unescape(page)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("an alias bomb", "a: &a [x]\nb: &b [*a,*a,*a,*a]\nc: [*b,*b,*b,*b]\n"),
        ("a list in itself", "id: &a [*a]\n"),
        ("a merge cycle", "a: &a\n  <<: *a\n"),
        ("code", "id: !!python/object/apply:os.system ['true']\n"),
        ("doubled keys", "id: a\nid: b\n"),
        ("100,000 brackets", "[" * 100_000),
        ("a number of 5,000 digits", f"id: {'9' * 5000}\n"),
        ("an unclosed quotation mark", 'id: "' + "x" * 200_000),
        (
            "a condition of 60,000 parentheses",
            MINI.format(id="mini", clause="x").replace(": round\n", f": {'(' * 60_000}\n"),
        ),
        ("NUL", "id: \0\n"),
        ("nothing", ""),
        ("half a character", "id: \ud800\n".encode("utf-8", "surrogatepass").decode("latin-1")),
        ("look-around", MINI.format(id="mini", clause="{regex: '(?=x)y'}")),
        ("a repetition of repetitions", MINI.format(id="mini", clause="{regex: '((a{1,900}){1,900}){1,900}'}")),
    ],
)
def test_a_hostile_draft_is_refused_in_words(desk: httpx.Client, name: str, text: str) -> None:
    began = time.monotonic()
    answer = send(desk, "/rules/mini/workbench", "run", text)
    assert answer.status_code == 422, name
    assert mistakes(answer.text) or 'role="alert"' in answer.text
    assert time.monotonic() - began < 20
    assert desk.get("/rules/mini/workbench").status_code == 200


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|a)*$", "(.*a){12}", "(x+x+)+y", r"\s+$"])
def test_a_regex_that_hangs_elsewhere_ends_here(desk: httpx.Client, pattern: str) -> None:
    text = MINI.format(id="other", clause=f"{{regex: '{pattern}'}}")
    page = finished(desk, send(desk, "/workbench", "run", text).text)
    assert "<p>40 of 40 items, in " in page


def test_a_draft_larger_than_a_rule_file_may_be_is_not_read(desk: httpx.Client) -> None:
    answer = send(desk, "/rules/mini/workbench", "check", "# " + "x" * 256 * 1024)
    assert answer.status_code == 422
    assert "A rule file has at most 256 KiB." in answer.text
    page = desk.get("/rules/mini/workbench").text
    far = {"seal": hidden(page), "text": "龙" * 400_000, "act": "check"}
    assert desk.post("/rules/mini/workbench", data=far).status_code == 413


def _slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a run take a tenth of a second for each item."""
    tried = workbench._tried

    def slow(*given: Any) -> Any:
        time.sleep(0.1)
        return tried(*given)

    monkeypatch.setattr(workbench, "_SLICE", 1)
    monkeypatch.setattr(workbench, "_tried", slow)


def test_only_one_run_goes_at_a_time_and_it_can_be_stopped(desk: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    _slowly(monkeypatch)
    first = send(desk, "/rules/mini/workbench", "run", OTHER)
    assert ">running</span>" in first.text
    second = send(desk, "/workbench", "run", MINI.format(id="other", clause="close a round"))
    assert second.status_code == 503
    assert "Busy: admin is trying mini.yml on stored items: wait for it, or stop it" in unescape(second.text)
    run = hidden(first.text, "run")
    desk.post(f"/workbench/runs/{run}/stop", data={"seal": hidden(first.text)})
    page = finished(desk, first.text)
    assert ">stopped</span>" in page
    seen = re.search(r"<p>(\d+) of 40 items, back to ", page)
    assert seen is not None
    assert 0 < int(seen[1]) < 40


def test_a_run_that_takes_too_long_says_how_far_it_came(desk: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    _slowly(monkeypatch)
    monkeypatch.setattr(workbench, "RUN_S", 0.3)
    page = finished(desk, send(desk, "/rules/mini/workbench", "run", OTHER).text)
    assert ">out of time</span>" in page
    assert re.search(r"<p>\d+ of 40 items, back to \d\d:\d\d UTC", page)


def test_a_run_takes_the_newest_items_of_too_many(desk: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbench, "MOST_ITEMS", 5)
    page = finished(desk, send(desk, "/rules/mini/workbench", "run", OTHER).text)
    assert ">too many items</span>" in page
    assert "<p>5 of 5 items: the newest ones, of which one run takes no more, in " in page


# ── examples ──


def test_a_judged_item_becomes_an_example_and_nothing_else_changes(shipped: httpx.Client) -> None:
    page = finished(shipped, send(shipped, "/rules/funding/workbench", "run", WIDER).text)
    item = re.search(r'value="no_match:(\d+)"', page)
    assert item is not None
    answer = send(shipped, "/rules/funding/workbench", f"no_match:{item[1]}", WIDER, run=hidden(page, "run"))
    assert f"Item {item[1]} is now an example that should not match" in answer.text
    after = draft_of(answer.text)
    assert after.startswith(WIDER)
    added = after.removeprefix(WIDER)
    assert added.startswith("  - no_match:\n")
    assert added.endswith(f"    because: item {item[1]} was judged by admin\n")
    assert "should not match, but does" in answer.text
    assert hidden(answer.text, "run") == hidden(page, "run")


def test_an_item_that_is_not_there_is_no_example(desk: httpx.Client) -> None:
    answer = send(desk, "/rules/mini/workbench", "match:999999", NOW)
    assert (answer.status_code, draft_of(answer.text)) == (422, NOW)
    assert "That item is not there any more." in answer.text


ROW = {"no_match": {"title": "龙沙 # x: y", "text": 'One.\nTwo: "q"'}, "because": "item 4"}
ADDED = """  - no_match:
      title: '龙沙 # x: y'
      text: 'One.

        Two: "q"'
    because: item 4
"""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("tests:\n  - match: a\n", f"tests:\n  - match: a\n{ADDED}"),
        ("tests:\n  - match: a", f"tests:\n  - match: a\n{ADDED}"),
        ("tests:\n  - match: a\n\n# of the id\nid: x\n", f"tests:\n  - match: a\n{ADDED}\n# of the id\nid: x\n"),
        ("id: x\n", f"id: x\ntests:\n{ADDED}"),
        (
            "tests:\r\n  - match: a\r\nid: x\r\n",
            "tests:\r\n  - match: a\r\n" + ADDED.replace("\n", "\r\n") + "id: x\r\n",
        ),
        (
            "tests:\n- no_match: |\n    b\n    # no comment\n\n# of the id\nid: x\n",
            "tests:\n- no_match: |\n    b\n    # no comment\n"
            + "".join(f"{line[2:]}\n" if line else "\n" for line in ADDED.splitlines())
            + "\n# of the id\nid: x\n",
        ),
    ],
)
def test_an_example_is_added_below_the_others_and_keeps_every_other_byte(before: str, after: str) -> None:
    assert with_test(before, ROW) == after


@pytest.mark.parametrize("text", ["tests: [{match: a}]\nid: x\n", "tests: words\n", "- a list\n"])
def test_tests_in_one_line_are_left_to_a_person(text: str) -> None:
    with pytest.raises(workbench.CannotHelp):
        with_test(text, ROW)


# ── files ──


def test_nothing_is_written_where_the_setting_does_not_allow_it(desk: httpx.Client) -> None:
    assert 'value="write"' not in desk.get("/rules/mini/workbench").text
    answer = send(desk, "/rules/mini/workbench", "write", OTHER)
    assert answer.status_code == 422
    assert "WATCHER_RULES_WRITABLE is off" in answer.text


def test_a_checked_draft_is_written_and_the_former_text_is_kept(small: Runtime) -> None:
    path, before = small.rules.folder / "mini.yml", MINI.format(id="mini", clause="close a round")
    text = MINI.format(id="mini", clause="close|finish a round")
    with at_bench(small) as client:
        answer = send(client, "/rules/mini/workbench", "write", text)
        assert answer.status_code == 303
        assert "mini.yml was written" in client.get(answer.headers["location"]).text
    assert path.read_text("utf-8") == text
    (line,) = [one for one in rows(small, audit) if one["action"] == "rules.write"]
    assert (line["who"], line["target"]) == ("admin", "mini.yml")
    assert (line["detail"]["was"], line["detail"]["now"]) == (digest(before), digest(text))
    assert Path(line["detail"]["before"]).read_text("utf-8") == before
    assert sorted(one.name for one in path.parent.iterdir()) == ["mini.yml"]


def test_a_file_that_somebody_else_changed_is_not_written_over(small: Runtime) -> None:
    path = small.rules.folder / "mini.yml"
    with at_bench(small) as client:
        page = client.get("/rules/mini/workbench").text
        fields = {"seal": hidden(page), "was": hidden(page, "was"), "windows": "0", "days": "7", "run": ""}
        path.write_text("# a colleague's\n" + MINI.format(id="mini", clause="close a round"), "utf-8")
        text = MINI.format(id="mini", clause="finish|close a round")
        answer = client.post("/rules/mini/workbench", data=fields | {"text": text, "act": "write"})
    assert answer.status_code == 422
    assert "mini.yml was changed by somebody else meanwhile" in answer.text
    assert draft_of(answer.text) == text
    assert path.read_text("utf-8").startswith("# a colleague's")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (MINI.format(id="mini", clause="open a laboratory"), "mini.yml:11: should match, but does not"),
        (MINI.format(id="mini", clause="{list: none_such}"), "none_such"),
    ],
)
def test_what_is_wrong_or_fails_its_examples_is_not_written(small: Runtime, text: str, why: str) -> None:
    with at_bench(small) as client:
        answer = send(client, "/rules/mini/workbench", "write", text)
    assert answer.status_code == 422
    assert why in unescape(answer.text)
    assert "close a round" in (small.rules.folder / "mini.yml").read_text("utf-8")


def test_a_new_rule_is_a_new_file_and_replaces_none(small: Runtime) -> None:
    with at_bench(small) as client:
        assert "taken by" in send(client, "/workbench", "check", MINI.format(id="mini", clause="close a round")).text
        answer = send(client, "/workbench", "write", MINI.format(id="second", clause="close a round"))
        assert answer.status_code == 303
        copied = draft_of(client.get("/workbench?from=mini").text)
    assert (small.rules.folder / "second.yml").is_file()
    assert copied == MINI.format(id="mini-next", clause="close a round").replace(
        "status: stable", "status: experimental"
    )


def test_the_line_ends_of_a_file_stay_as_they_are(small: Runtime) -> None:
    path = small.rules.folder / "mini.yml"
    path.write_bytes(MINI.format(id="mini", clause="close a round").replace("\n", "\r\n").encode())
    with at_bench(small) as client:
        answer = send(client, "/rules/mini/workbench", "write", MINI.format(id="mini", clause="finish|close a round"))
    assert answer.status_code == 303
    assert path.read_bytes() == MINI.format(id="mini", clause="finish|close a round").replace("\n", "\r\n").encode()
