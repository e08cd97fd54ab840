"""WebSub: ask hubs to push, and read what they pushed like a poll's document."""

from __future__ import annotations

from collections.abc import Sequence

from watcher.pipeline.steps import Nudges
from watcher.runtime import Runtime


def ask_hubs(rt: Runtime, ids: Sequence[int]) -> Nudges:  # noqa: ARG001
    """Ask those of the hubs that are due to push, or to go on pushing."""
    return {}


def read_pushes(rt: Runtime, ids: Sequence[int]) -> Nudges:  # noqa: ARG001
    """Take in the documents that hubs have sent."""
    return {}
