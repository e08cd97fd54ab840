"""One line that says what a message is about, and the sign of an event's level; for chats, which have no templates."""

from __future__ import annotations

from watcher import wording
from watcher.model import DigestView, Level

DOT = {Level.HIGH: "🔴", Level.MEDIUM: "🟠", Level.LOW: "⚪"}


def headline(view: DigestView) -> str:
    """The line in the reader's language, of any length and not escaped."""
    language = view.language
    if view.notice is not None:
        letter = view.notice.action_url is not None
        subject = view.notice.subject
        return subject if letter else wording.say("subject_notice", language, subject=subject)
    if not view.alerts:
        return f"{view.subscription_title}: {wording.say('nothing_new', language)}"
    first = view.alerts[0].event
    title = first.title or wording.say("no_title", language)
    if view.immediate and len(view.alerts) == 1:
        words = wording.say("subject_alert", language, rule=first.rule_title, title=title)
        told = wording.update_line(view.alerts[0], language) or wording.facts_line(first, language)
        whole = wording.say("subject_update", language, subject=words) if view.alerts[0].update else words
        return f"{whole} ({told})" if told else whole
    events = wording.number_of("events", len(view.alerts), language)
    return f"{view.subscription_title}: {events}. {title}"
