"""The rule of the README's five minutes: it is read, and its examples come out as written."""

from __future__ import annotations

import shutil
from pathlib import Path

from watcher.match.language import load_rules
from watcher.match.tests import run_tests

ROOT = Path(__file__).resolve().parents[2]


def test_the_rule_in_the_readme_passes_its_own_tests(tmp_path: Path) -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    start = text.index("```yaml\n", text.index("A rule of your own in five minutes")) + len("```yaml\n")
    shutil.copytree(ROOT / "rules", tmp_path / "rules")
    (tmp_path / "rules" / "drug-approval.yml").write_text(text[start : text.index("```", start)], "utf-8")
    rules = load_rules(tmp_path / "rules")
    assert rules.rule("drug-approval") is not None
    assert run_tests(rules) == []
