"""What a check found: how bad it is, a sentence, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    OK = "ok"
    WARN = "warn"
    """It works, and will hurt some day."""
    BAD = "bad"
    """It does not work, or loses something."""
    SKIPPED = "skipped"
    """Nothing was looked at: the sentence says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One answer. `check` is a noun and where it has several, what of it: `mail desk`."""

    check: str
    verdict: Verdict
    told: str
    advice: str = ""


def ok(check: str, told: str) -> Finding:
    return Finding(check=check, verdict=Verdict.OK, told=told)


def warn(check: str, told: str, advice: str) -> Finding:
    return Finding(check=check, verdict=Verdict.WARN, told=told, advice=advice)


def bad(check: str, told: str, advice: str) -> Finding:
    return Finding(check=check, verdict=Verdict.BAD, told=told, advice=advice)


def skipped(check: str, told: str) -> Finding:
    return Finding(check=check, verdict=Verdict.SKIPPED, told=told)
