"""The five seed articles, as this project retells them and, where they are at hand, as they were first printed."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from watcher.model import NewsText

ROOT = Path(__file__).resolve().parents[2]
ORIGINALS = ROOT.parent / "shared" / "seeds"
DATES = {
    "000": date(2023, 6, 21),
    "001": date(2024, 7, 30),
    "002": date(2023, 10, 19),
    "003": date(2023, 11, 1),
    "004": date(2025, 12, 16),
}
EDITIONS = ("ours", "original")


def seed(edition: str, number: str) -> NewsText:
    """One seed article; skips the test when the original is not at hand."""
    if edition == "ours":
        (path,) = (ROOT / "seeds").glob(f"{number}-*.md")
        _, head, body = path.read_text(encoding="utf-8").split("---\n", 2)
        title = next(line.removeprefix("title:").strip(' "') for line in head.splitlines() if line.startswith("title:"))
    else:
        path = next(iter(ORIGINALS.glob(f"{number}_*.txt")), Path())
        if not path.is_file():
            pytest.skip("the original articles are not at hand")
        title, _, body = path.read_text(encoding="utf-8").partition("\n")
    return NewsText(title=title, text=body.strip(), language="en", dated=DATES[number])
