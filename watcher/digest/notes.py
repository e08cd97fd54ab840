"""What stands before the entries of a digest: why it comes late, or why they come together."""

from __future__ import annotations

from watcher.digest.timing import Hold, hold_of
from watcher.model import Budget, Language, SubscriptionConfig, When, Window
from watcher.wording import say

_PERIODS = {60: "per_minute", 3600: "per_hour", 86_400: "per_day", 604_800: "per_week"}
_COVERS = {When.HOURLY: "hours", When.DAILY: "days", When.WEEKLY: "weeks"}


def notes(subscription: SubscriptionConfig, window: Window, *, events: int, periods: int = 1) -> tuple[str, ...]:
    """Pure: the notes of a digest that tells so many events and covers so many periods, in the reader's language."""
    language = subscription.language
    hold = hold_of(window)
    told = []
    if periods > 1 and (unit := _COVERS.get(subscription.schedule.when)):
        told.append(say(f"note_covers_{unit}", language, count=periods))
    if hold is Hold.OVER and subscription.budget is not None:
        told.append(_over(subscription.budget, events, language))
    if hold is Hold.QUIET and (quiet := subscription.quiet) is not None:
        told.append(say("note_quiet", language, begins=f"{quiet.begins:%H:%M}", ends=f"{quiet.ends:%H:%M}"))
    if hold is Hold.FLOOR:
        told.append(say("note_floor", language))
    return tuple(told)


def _over(budget: Budget, events: int, language: Language) -> str:
    form = {0: "none", 1: "one"}.get(events, "many")
    return say(f"note_over_{form}", language, count=events, messages=budget.messages, period=period(budget, language))


def period(budget: Budget, language: Language = Language.ENGLISH) -> str:
    """`an hour`: the time in which a budget's messages may be sent."""
    return say(_PERIODS[budget.per_s], language)
