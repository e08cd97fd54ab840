"""What an event tells when another item tells it too: facts and evidence joined, and whether that is a revision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from watcher.model import Fact, Snippet

MOST_SNIPPETS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """The event's facts and evidence after another source, and whether its readers should hear of it again."""

    facts: Mapping[str, Fact]
    snippets: tuple[Snippet, ...]
    revised: bool
    changed: bool
    """Something differs from what is stored, so that the row must be written."""


def merge(
    known: Mapping[str, Fact], snippets: Sequence[Snippet], new: Mapping[str, Fact], more: Sequence[Snippet]
) -> Merged:
    """Join a second telling to the first: the first one's facts stand, facts it lacks are filled in.

    Filling in is no revision; nobody is told again for it. A fact that two sources tell differently keeps the value
    of the first.
    """
    facts = {**known, **{name: fact for name, fact in new.items() if name not in known}}
    joined = list(snippets)
    joined += [snippet for snippet in more if snippet not in joined]
    kept = tuple(joined[:MOST_SNIPPETS])
    changed = len(facts) > len(known) or kept != tuple(snippets)
    return Merged(facts=facts, snippets=kept, revised=False, changed=changed)
