"""What subscriptions would say of events, without telling anyone: for explaining, and for rules tried on history.

Items that never were in a story are grouped among themselves as the line would place them, so that one event counts
once; where the line would have joined an older story, a preview may count one event too many.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from watcher.digest.choose import choose
from watcher.match.evaluate import Engine
from watcher.model import EventView, FactKind, Item, Match, Source, SubscriptionConfig, When
from watcher.pipeline.silence import mutes_of
from watcher.runtime import Runtime
from watcher.store import Connection, events, history, subscriptions
from watcher.story.fingerprint import fingerprint
from watcher.story.group import stories

_MOST_GROUPED = 2000
"""Items that are grouped by likeness; beyond them each counts as a story of its own."""
_CHUNK = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """Whether an event concerns a subscription, and why or why not."""

    event_id: int
    rule_id: str
    subscription_id: str
    chosen: bool
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """What one subscription would hear, or would have missed."""

    subscription: SubscriptionConfig
    event: EventView
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a change of the rules comes to for those who are told."""

    events: tuple[EventView, ...]
    """New events, each with the items that would tell it; their ids are 0."""
    more: tuple[Telling, ...]
    less: tuple[Telling, ...]
    silent: int
    """New events made of a feed's history alone, which is never told."""
    joined: int
    """Matches that would join an event that is known already."""


def offers(rt: Runtime, conn: Connection, item_id: int) -> list[Offer]:
    """For each event that the item tells, what each subscription says of it now."""
    views = events.views(conn, history.events_of(conn, item_id))
    active = subscriptions.active(conn)
    held = mutes_of(conn, active, rt.clock())
    found = []
    for view in views.values():
        for subscription in active:
            tells_amounts = rt.rules.tells_amounts(view.rule_id)
            choice = choose(view, subscription, tells_amounts=tells_amounts, mutes=held.get(subscription.id, ()))
            found.append(
                Offer(
                    event_id=view.id,
                    rule_id=view.rule_id,
                    subscription_id=subscription.id,
                    chosen=choice.chosen,
                    reason=choice.reason,
                )
            )
    return found


def preview(
    conn: Connection,
    new: Sequence[tuple[Item, Match]],
    lost: Mapping[str, Sequence[int]],
    tells_amounts: Callable[[str], bool],
) -> Preview:
    """What the `new` matches would tell, and what without the `lost` ones (items by rule) nobody had been told.

    `tells_amounts`: whether the rule of that id reads amounts.
    """
    story_of = _stories([item for item, _ in new])
    known = history.told(conn, sorted({item.story_id for item, _ in new if item.story_id is not None}))
    fresh: dict[tuple[str, str], list[tuple[Item, Match]]] = defaultdict(list)
    joined = 0
    for item, match in new:
        if item.story_id is not None and (item.story_id, match.rule_id) in known:
            joined += 1
        else:
            fresh[story_of[item.id], match.rule_id].append((item, match))
    views = [(_view(told), all(item.history for item, _ in told)) for told in fresh.values()]
    told = [view for view, silent in views if not silent]
    gone = _views(conn, history.only_told_by(conn, lost))
    active = subscriptions.active(conn)
    return Preview(
        events=tuple(told),
        more=tuple(_tellings(told, active, tells_amounts)),
        less=tuple(_tellings(gone, active, tells_amounts)),
        silent=len(views) - len(told),
        joined=joined,
    )


def amounts_by(engine: Engine | None) -> Callable[[str], bool]:
    """Which rules read amounts, by an engine; those that it does not have count as if they did."""

    def tells_amounts(rule_id: str) -> bool:
        rule = engine.rule_set.rule(rule_id) if engine else None
        return rule is None or any(fact.kind is FactKind.MONEY for fact in rule.facts)

    return tells_amounts


def _stories(found: Sequence[Item]) -> dict[int, str]:
    """A name for the story of each item: its own, or that of the items it is alike to."""
    named = {item.id: f"story {item.story_id}" for item in found if item.story_id is not None}
    loose = list({item.id: item for item in found if item.story_id is None}.values())
    alike = stories([fingerprint(item) for item in loose[:_MOST_GROUPED]])
    named |= {item.id: f"pile {pile}" for item, pile in zip(loose, alike, strict=False)}
    return named | {item.id: f"item {item.id}" for item in loose[_MOST_GROUPED:]}


def _view(told: Sequence[tuple[Item, Match]]) -> EventView:
    """The event as it would be made: the facts of the first telling, the gaps filled by the others."""
    item, match = told[0]
    facts = {name: fact for _, one in reversed(told) for name, fact in one.facts.items()} | dict(match.facts)
    return EventView(
        id=0,
        rule_id=match.rule_id,
        rule_title=match.rule_title,
        level=match.level,
        status=match.status,
        revision=1,
        title=item.title or item.text[:120],
        facts={name: facts[name] for name in dict.fromkeys([*match.facts, *facts])},
        sources=tuple(_source(one) for one, _ in told),
        snippets=(),
        tags=tuple(sorted({tag for one, _ in told for tag in one.feed_tags})),
        created_at=item.first_seen_at,
        updated_at=item.first_seen_at,
    )


def _source(item: Item) -> Source:
    return Source(
        item_id=item.id,
        title=item.title,
        link=item.link,
        feed=item.feed_title or "",
        published_at=item.published_at,
        language=item.language,
    )


def _views(conn: Connection, event_ids: Sequence[int]) -> list[EventView]:
    found: list[EventView] = []
    for start in range(0, len(event_ids), _CHUNK):
        found += events.views(conn, event_ids[start : start + _CHUNK]).values()
    return found


def _tellings(
    views: Iterable[EventView], active: Sequence[SubscriptionConfig], tells_amounts: Callable[[str], bool]
) -> Iterable[Telling]:
    for view in views:
        tells = tells_amounts(view.rule_id)
        for subscription in active:
            choice = choose(view, subscription, tells_amounts=tells)
            if choice.chosen:
                yield Telling(subscription=subscription, event=view, reason=choice.reason)


def messages(tellings: Sequence[Telling]) -> dict[str, dict[str, int]]:
    """By channel: `messages` of their own (immediate subscriptions) and `entries` in digests that are sent anyway."""
    found: dict[str, dict[str, int]] = defaultdict(lambda: {"messages": 0, "entries": 0})
    for one in tellings:
        kind = "messages" if one.subscription.schedule.when is When.IMMEDIATE else "entries"
        for channel in one.subscription.channels:
            found[channel][kind] += 1
    return dict(found)
