"""What watcher.yml asks for and only an extra package does is said before anything runs."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from watcher.cli import config

ASKING = """feeds:
  - {url: "https://news.example/feed", full_text: true}
"""


def test_a_check_tells_how_to_install_what_full_text_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "watcher.yml").write_text(ASKING, "utf-8")
    asked = ["check", str(tmp_path / "watcher.yml"), "--json"]
    assert CliRunner().invoke(config.app, asked).exit_code == 0
    monkeypatch.setitem(sys.modules, "trafilatura", None)
    done = CliRunner().invoke(config.app, asked)
    (mistake,) = json.loads(done.stdout)
    assert done.exit_code == 3
    assert mistake["message"].startswith("feed https://news.example/feed asks for full text")
    assert mistake["instead"] == "pip install 'biotech-watcher[fulltext]'"
