"""`watcher stories group`: a line an item, ids unchanged."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from watcher.cli.stories import app


def test_every_item_gets_a_story_and_titles_alone_will_do(tmp_path: Path) -> None:
    rows = [
        {"id": 7, "title": "Ever Given blocks Suez Canal"},
        {"id": "b", "title": "Suez Canal blocked by Ever Given ship"},
        {"id": "c", "text": "Lufthansa pilots strike in Frankfurt."},
    ]
    source = tmp_path / "items.jsonl"
    source.write_text("\n".join(json.dumps(row) for row in rows) + "\nno json\n", encoding="utf-8")
    result = CliRunner().invoke(app, ["group", "--input", str(source), "--json"])
    assert result.exit_code == 1  # a line was bad, the others came through
    found = [json.loads(line) for line in result.stdout.splitlines()]
    assert found == [{"id": "7", "story": "7"}, {"id": "b", "story": "7"}, {"id": "c", "story": "c"}]
