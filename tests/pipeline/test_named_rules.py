"""Rules that watcher.yml names and nobody wrote are told to `ops:` once."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from row_factories import subscription
from told import open_runtime

from watcher import pipeline
from watcher.data import shipped_rules
from watcher.model import Mute, MuteKind, RuleParams
from watcher.pipeline.named_rules import unknown_rules
from watcher.store import subscriptions
from watcher.store.database import Database
from watcher.store.schema import digests


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({}, []),
        ({"rules": ("funding",)}, []),
        ({"rules": ("fundin",)}, ["subscription daily, rules: there is no rule fundin – did you mean funding?"]),
        ({"params": {"x9": RuleParams()}}, ["subscription daily, params: there is no rule x9 – there is funding"]),
        ({"mutes": (Mute(kind=MuteKind.PARTY, value="fundin"),)}, []),
        (
            {"mutes": (Mute(kind=MuteKind.RULE, value="Funding"),)},
            ["subscription daily, mute: there is no rule Funding – did you mean funding?"],
        ),
    ],
)
def test_names_that_are_no_rule_s_are_found_wherever_they_stand(asked: dict[str, object], told: list[str]) -> None:
    assert [str(one) for one in unknown_rules([subscription("daily", **asked)], {"funding"})] == told


def test_ops_hear_once_of_a_rule_that_nobody_wrote(sqlite_url: str, tmp_path: Path) -> None:
    shipped = shipped_rules()
    assert shipped is not None
    shutil.copytree(shipped, tmp_path / "rules")
    (tmp_path / "watcher.yml").write_text(
        """feeds: [https://news.example/feed]
channels: {hook: {kind: webhook, url: "https://receiver.example/", secret: {env: WHSEC}}}
subscriptions: {one: {channels: [hook], rules: [fundin]}}
ops: [hook]
""",
        "utf-8",
    )
    rt = open_runtime(sqlite_url, tmp_path)
    for _ in range(3):
        pipeline.apply_config(rt)
        pipeline.check_rules(rt)
    again = open_runtime(sqlite_url, tmp_path)
    pipeline.apply_config(again)
    pipeline.check_rules(again)
    with Database(sqlite_url).read() as conn:
        assert [one.id for one in subscriptions.active(conn)] == ["one"]
        notices = list(conn.execute(digests.select()).all())
    assert [row.notice["subject"] for row in notices] == ["watcher.yml names rules that do not exist"]
    assert "did you mean funding?" in notices[0].notice["lines"][1]
    for opened in (rt, again):
        opened.close()
