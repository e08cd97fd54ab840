"""Items to their whole text: fetch the article's page, extract it in the sandbox, let the rules read the item again."""

from __future__ import annotations

from collections.abc import Sequence

from watcher.pipeline.steps import Nudges
from watcher.runtime import Runtime


def fetch_pages(rt: Runtime, ids: Sequence[int]) -> Nudges:  # noqa: ARG001
    """Fetch those of the pages that are due."""
    return {}
