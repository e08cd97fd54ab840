"""Whether an event concerns a subscription, and the reason in words for either answer; decides nothing about when.

Every filter of a subscription must hold; within one filter one value is enough. What is not known does not pass a
filter that asks for it, and the reason says so.
"""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from collections.abc import Callable, Iterable

from watcher import wording
from watcher.digest import mute
from watcher.model import Choice, EventView, FactKind, Mute, RuleStatus, SubscriptionConfig, UnknownAmount

_NOT_WORD = re.compile(r"[\W_]+")
_UNSPACED = re.compile("[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff]")
"""Scripts written without spaces: a name in them is looked for anywhere."""


def choose(
    event: EventView, subscription: SubscriptionConfig, *, tells_amounts: bool = True, mutes: Iterable[Mute] = ()
) -> Choice:
    """Pure; the first filter that does not hold gives the reason, else all that held do, joined by "; ".

    `tells_amounts`: whether the event's rule reads amounts at all. Only then can an amount be missing: a partnership
    of cities passes any threshold, a round of an undisclosed size passes none. `mutes`: those in force.
    """
    if event.status is RuleStatus.EXPERIMENTAL:
        return Choice(chosen=False, reason=f"experimental rule {event.rule_id}: recorded, never sent")
    if muted := mute.muting(event, mutes):
        return Choice(chosen=False, reason=mute.told(muted, subscription.schedule.zone), muted=True)
    held = []
    for decide in _FILTERS:
        choice = decide(event, subscription)
        if not choice.chosen:
            return choice
        held.append(choice.reason)
    choice = _amount(event, _of_rule(event, subscription), tells_amounts=tells_amounts)
    if not choice.chosen:
        return choice
    held.append(choice.reason)
    return Choice(chosen=True, reason="; ".join(reason for reason in held if reason))


def _rule(event: EventView, subscription: SubscriptionConfig) -> Choice:
    if subscription.rules and event.rule_id not in subscription.rules:
        return Choice(chosen=False, reason=f"rule {event.rule_id} is not subscribed")
    return Choice(chosen=True, reason=f"rule {event.rule_id}")


def _place(event: EventView, subscription: SubscriptionConfig) -> Choice:
    kinds = (FactKind.PLACE, FactKind.PARTY)
    return _named("place", subscription.places, event, kinds)


def _party(event: EventView, subscription: SubscriptionConfig) -> Choice:
    return _named("party", subscription.parties, event, (FactKind.PARTY,))


def _named(what: str, wanted: tuple[str, ...], event: EventView, kinds: tuple[FactKind, ...]) -> Choice:
    """A wanted name is met by a fact's value or words, or by the title, as whole words."""
    if not wanted:
        return Choice(chosen=True, reason="")
    told = [name for fact in event.facts.values() if fact.kind in kinds for name in (*wording.values(fact), fact.text)]
    for name in wanted:
        if any(_holds(text, name) for text in told):
            return Choice(chosen=True, reason=f"{what} {name}")
        if _holds(event.title, name):
            return Choice(chosen=True, reason=f"{what} {name} in the title")
    return Choice(chosen=False, reason=f"no {what} of {wording.joined(wanted)}")


def _words(text: str) -> str:
    return f" {_NOT_WORD.sub(' ', unicodedata.normalize('NFKC', text).casefold()).strip()} "


def _holds(text: str, name: str) -> bool:
    wanted = _words(name)
    if not wanted.strip():
        return False
    return (wanted.strip() if _UNSPACED.search(wanted) else wanted) in _words(text)


def _language(event: EventView, subscription: SubscriptionConfig) -> Choice:
    wanted = {_primary(tag) for tag in subscription.languages}
    known = {_primary(one) for one in (*event.languages, *(source.language for source in event.sources)) if one}
    if not wanted:
        return Choice(chosen=True, reason="")
    if met := sorted(wanted & known):
        return Choice(chosen=True, reason=f"language {met[0]}")
    told = f"told in {wording.joined(sorted(known))}" if known else "language unknown"
    return Choice(chosen=False, reason=f"{told}, not in {wording.joined(sorted(wanted))}")


def _primary(tag: str) -> str:
    return re.split("[-_]", tag.casefold())[0]


def _tag(event: EventView, subscription: SubscriptionConfig) -> Choice:
    if not subscription.tags:
        return Choice(chosen=True, reason="")
    met = _folded(event.tags) & _folded(subscription.tags)
    if met:
        return Choice(chosen=True, reason=f"tag {min(met)}")
    return Choice(chosen=False, reason=f"no tag of {wording.joined(subscription.tags)}")


def _folded(words: Iterable[str]) -> set[str]:
    return {word.casefold() for word in words}


def _of_rule(event: EventView, subscription: SubscriptionConfig) -> SubscriptionConfig:
    """The subscription with the amount that it asks of this event's rule, where it asks another than of all."""
    own = subscription.params.get(event.rule_id)
    if own is None or own.at_least is None:
        return subscription
    return dataclasses.replace(subscription, at_least=own.at_least, at_least_usd=own.at_least_usd)


def _untold(event: EventView, subscription: SubscriptionConfig) -> Choice:
    """Whether an event is told that could name an amount and does not."""
    own = subscription.params.get(event.rule_id)
    unknown = own.unknown_amount if own else None
    least = subscription.at_least_usd
    if unknown is UnknownAmount.MATCH or (unknown is None and not least):
        return Choice(chosen=True, reason="amount unknown, told all the same" if unknown else "")
    asked = f"at least {_asked(subscription)} is asked" if least else "events without one are skipped"
    return Choice(chosen=False, reason=f"amount unknown, {asked}")


def _amount(event: EventView, subscription: SubscriptionConfig, *, tells_amounts: bool) -> Choice:
    least, fact = subscription.at_least_usd, event.amount
    asked = _asked(subscription)
    if least is None and subscription.at_least is not None:
        # Silence is worse than one alert too many.
        return Choice(chosen=True, reason=f"at least {asked} is asked, but has no dollar value: not applied")
    if fact is None:
        return _untold(event, subscription) if tells_amounts else Choice(chosen=True, reason="")
    if not least:
        return Choice(chosen=True, reason="")
    dollars = wording.amount_usd(fact)
    if dollars is None:
        return Choice(chosen=False, reason=f"{wording.amount(fact)} has no dollar value, at least {asked} is asked")
    own = wording.amount(fact)
    told = own if fact.currency == "USD" else f"{own} = {wording.usd(dollars)}"
    if dollars >= least:
        return Choice(chosen=True, reason=f"{told} is at least {asked}")
    return Choice(chosen=False, reason=f"{told} is below {asked}")


def _asked(subscription: SubscriptionConfig) -> str:
    """The threshold as the subscriber wrote it, with its dollar value when it was written in another currency."""
    least = subscription.at_least_usd
    if subscription.at_least is None:
        return wording.usd(least or 0.0)
    written = wording.one_line(subscription.at_least, 40)
    return written if least is None or "USD" in written.upper() else f"{written} ({wording.usd(least)})"


_FILTERS: tuple[Callable[[EventView, SubscriptionConfig], Choice], ...] = (
    _rule,
    _place,
    _party,
    _language,
    _tag,
)
