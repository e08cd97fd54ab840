import re
from pathlib import Path

import pytest
from seed_articles import ROOT

from watcher.match.clauses import OPERATORS
from watcher.match.language import load_rules
from watcher.match.reading import FACT_KEYS, RULE_KEYS, SELECTION_KEYS
from watcher.match.tests import run_tests
from watcher.model import Stance

README = (ROOT / "rules" / "README.md").read_text(encoding="utf-8")


def test_the_first_rule_of_the_readme_works(tmp_path: Path) -> None:
    first = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)[0]
    (tmp_path / "first.yml").write_text(first, encoding="utf-8")
    assert run_tests(load_rules(tmp_path)) == []


@pytest.mark.parametrize("word", [*OPERATORS, *FACT_KEYS, *SELECTION_KEYS, *RULE_KEYS, *Stance])
def test_the_readme_tells_every_key_and_operator(word: str) -> None:
    assert re.search(rf"\b{word}\b", README)
