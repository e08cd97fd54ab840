"""The names of rules as a row: written when rules change, read where no rule file is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from watcher import pipeline, runtime
from watcher.model import Language
from watcher.pipeline import rule_names
from watcher.runtime import Runtime
from watcher.settings import Settings

RULE = """id: {id}
title: {title}
status: {status}
level: low
selections:
  round:
    any:
      - closed a round
condition: round
tests:
  - match: {{text: Acme closed a round.}}
  - no_match: {{text: Acme opened a laboratory.}}
"""


@pytest.fixture
def rt(database_url: str, tmp_path: Path) -> Iterator[Runtime]:
    folder = tmp_path / "rules"
    folder.mkdir()
    settings = Settings(database_url=database_url, data_dir=tmp_path, rules_dir=folder)
    opened = runtime.open(settings)
    yield opened
    opened.close()


def write(rt: Runtime, rule_id: str, title: str, status: str = "stable") -> None:
    (rt.rules.folder / f"{rule_id}.yml").write_text(RULE.format(id=rule_id, title=title, status=status), "utf-8")
    rt.rules._looked_at = 0.0


def names(rt: Runtime) -> list[tuple[str, str, bool]]:
    with rt.database.read() as conn:
        return [(one.id, one.of(Language.CHINESE), one.trial) for one in rule_names.known(conn)]


def test_the_names_of_rules_are_kept_when_they_are_read_and_follow_a_change(rt: Runtime) -> None:
    assert names(rt) == []
    write(rt, "funding", "Funding")
    write(rt, "try-out", "Tried out", "experimental")
    pipeline.check_rules(rt)
    assert names(rt) == [("funding", "Funding", False), ("try-out", "Tried out", True)]
    write(rt, "funding", "Money")
    pipeline.check_rules(rt)
    assert names(rt)[0] == ("funding", "Money", False)


def test_names_stay_while_the_files_cannot_be_read(rt: Runtime) -> None:
    write(rt, "funding", "Funding")
    pipeline.check_rules(rt)
    (rt.rules.folder / "funding.yml").write_text("id: [", "utf-8")
    rt.rules._looked_at = 0.0
    pipeline.check_rules(rt)
    assert names(rt) == [("funding", "Funding", False)]
