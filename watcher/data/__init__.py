"""Files that come with the program: gazetteer, rates, schemas, the starter watcher.yml, and the way to the rules."""

from __future__ import annotations

import sysconfig
from pathlib import Path


def shipped_rules() -> Path | None:
    """The rule files that came with the program: beside the package in a checkout, else where the wheel put them."""
    places = (
        Path(__file__).resolve().parents[2] / "rules",
        Path(sysconfig.get_path("data")) / "share" / "biotech-watcher" / "rules",
    )
    return next((place for place in places if any(place.glob("*.yml"))), None)
