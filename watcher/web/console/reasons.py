"""Why a message stands as it does, in words: what is kept is a stable word, and people want a sentence."""

from __future__ import annotations

import re

from watcher import wording

_HTTP = {
    "2": "the receiver took it",
    "400": "the receiver does not take its form",
    "401": "the receiver refuses our signature or key",
    "403": "the receiver forbids it",
    "404": "there is nothing at the address",
    "408": "the receiver took too long",
    "410": "the receiver wants nothing more",
    "413": "the receiver finds it too large",
    "429": "the receiver asks us to slow down",
    "451": "the receiver may not take it for legal reasons",
    "3": "the receiver sends us elsewhere",
    "4": "the receiver refuses it",
    "5": "the receiver is in trouble",
}
_SMTP = {
    "2": "the mail server took it",
    "421": "the mail server is closing down",
    "450": "the mailbox is busy",
    "451": "the mail server asks us to come back later",
    "452": "the mail server has no room",
    "4": "the mail server asks us to come back later",
    "550": "the mail server refuses the address",
    "554": "the mail server refuses what we send",
    "5": "the mail server refuses it",
}
_WORDS = {
    "new": "waits for its first try",
    "first": "waits for its first try",
    "timeout": "no answer came in time",
    "connection": "the connection broke",
    "connect": "no connection could be made",
    "dns": "the receiver's name does not resolve",
    "tls": "the encrypted connection failed",
    "tls_not_offered": "the server offers no encryption",
    "auth_not_offered": "the server offers no login",
    "plaintext_auth": "the password would go unencrypted",
    "refused_address": "the address is one that we do not contact",
    "bad_address": "the mail address cannot be used",
    "bad_smtp_url": "the mail server's address cannot be read",
    "bad_secret": "the signing secret cannot be used",
    "bad_url": "the address cannot be read",
    "bad_dkim_key": "the DKIM key cannot be used",
    "bad_request": "the request cannot be made as it is configured",
    "secret_missing": "a secret of the channel is missing",
    "not_configured": "the channel is not set up",
    "apprise_missing": "the package Apprise is not installed",
    "apprise_sent": "the service took it",
    "apprise_failed": "the service did not take it",
    "sent_as_text": "taken as plain text, as Slack refused its form",
    "not_ok": "the receiver did not say ok",
    "internal_error": "our own program failed on it",
    "channel_misconfigured": "the channel is not set up right",
    "worker_died": "the worker died at each try",
    "too_large": "the answer was too large",
    "smtp_too_large": "the mail server finds it too large",
    "smtp_no_such_address": "nobody has that address",
    "smtp_address_refused": "the address takes nothing",
    "smtp_mailbox_full": "the mailbox is full",
    "smtp_nonsense": "the mail server did not answer in its language",
    "smtp_8bit": "the mail server takes no such letters",
}
_BEGUN = {
    "uncertain: ": "It may have arrived: ",
    "rejected: ": "Refused for good: ",
    "bounced: ": "It came back: ",
}
_GAVE_UP = re.compile(r"(gave up after .*?): (\S+)")
_MAYBE = re.compile(r"(it may have arrived) \((\S+)\)(.*)")


def in_words(reason: str) -> str:
    """A sentence without its full stop; the stable word stays behind it where the sentence says less."""
    clean = wording.one_line(reason, 300)
    for begin, words in _BEGUN.items():
        if clean.startswith(begin):
            rest = clean.removeprefix(begin)
            if found := _MAYBE.fullmatch(rest):
                return f"It may have arrived ({_said(found[2])}){found[3]}"
            return words + _said(rest)
    if found := _GAVE_UP.fullmatch(clean):
        return f"{_capital(found[1])}: {_said(found[2])}"
    return _capital(_said(clean))


def _said(word: str) -> str:
    if word in _WORDS:
        return _WORDS[word]
    for prefix, known in (("http_", _HTTP), ("smtp_", _SMTP)):
        code = word.removeprefix(prefix)
        if word.startswith(prefix) and code.isdigit():
            said = known.get(code) or known.get(code[:1])
            return f"{said} ({code})" if said else word
    return word


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
