"""A view to the bytes of one channel: mail through templates in the killable child, the others in their own form."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import datetime

from watcher import wire
from watcher.digest.render import payload
from watcher.errors import Mistake, SandboxFailed
from watcher.model import ChannelConfig, ChannelKind, DigestView, Envelope, Rendered
from watcher.pipeline import templates
from watcher.pipeline.links import links
from watcher.runtime import Runtime
from watcher.signing import Purpose

_RENDER = "watcher.digest.render:render_json"


def compose(rt: Runtime, view: DigestView, config: ChannelConfig, *, key: str, now: datetime) -> Envelope:
    """The message as it will be sent. Raises what the channel's form raises for a view that it cannot write."""
    view = _for_channel(rt, view, config)
    rendered = Rendered(subject="", text="", html="")
    if config.kind is ChannelKind.EMAIL:
        rendered = render(rt, view, config)
    return rt.channel(config).compose(view, rendered, key=key, now=now)


def _for_channel(rt: Runtime, view: DigestView, config: ChannelConfig) -> DigestView:
    """The view whose unsubscribe link is that of this channel's reader: others of the subscription stay told."""
    if view.links.unsubscribe is None:
        return view
    mine = links(rt).url(Purpose.UNSUBSCRIBE, s=view.subscription_id, c=config.id)
    return dataclasses.replace(view, links=dataclasses.replace(view.links, unsubscribe=mine))


def render(rt: Runtime, view: DigestView, config: ChannelConfig) -> Rendered:
    """Through the channel's own templates; where those fail on this view, `ops:` is told and the shipped ones serve."""
    own = templates.in_force(rt, config)
    if own:
        try:
            answer = _ask(rt, view, own)
        except SandboxFailed as failed:
            answer = {"mistake": wire.dump(Mistake(path="", line=0, message=str(failed)))}
        if "mistake" not in answer:
            return wire.load(Rendered, answer)
        templates.broken(rt, config, own, wire.load(Mistake, answer["mistake"]))
    return wire.load(Rendered, _ask(rt, view, {}))


def _ask(rt: Runtime, view: DigestView, own: Mapping[str, str]) -> dict[str, object]:
    answer: dict[str, object] = rt.sandbox.call(_RENDER, payload(view, own), timeout_s=rt.settings.sandbox_cpu_s + 5)
    return answer
