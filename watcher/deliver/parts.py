"""Into how many messages a digest is cut for a kind of channel; one digest is one message everywhere else."""

from __future__ import annotations

from watcher.deliver import blocks
from watcher.model import ChannelKind, DigestView


def parts(kind: ChannelKind, view: DigestView) -> tuple[DigestView, ...]:
    """The views to compose, each a message and a delivery of its own; at least one, cut only between events."""
    if view.notice is not None or (view.immediate and len(view.alerts) < 2):
        return (view,)
    return blocks.parts(view) if kind is ChannelKind.SLACK else (view,)
