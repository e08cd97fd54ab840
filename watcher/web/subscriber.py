"""The pages of people who subscribe themselves: sign-up, confirmation, their settings, the erasure of their data.

No page says whether somebody is subscribed: a sign-up is answered alike for every address.
"""

from __future__ import annotations

import re
from typing import Any

import idna
from starlette.responses import Response

from watcher import wording
from watcher.errors import CannotHelp
from watcher.model import Signup
from watcher.pipeline import signup
from watcher.pipeline.signup import Asked, Confirmed
from watcher.pipeline.signup_limits import TOO_MANY
from watcher.signing import Purpose
from watcher.web import choices
from watcher.web.choices import Offered
from watcher.web.client_address import client_address
from watcher.web.forms import TRAP
from watcher.web.visit import NotHere, Visit, flooded

ADDRESS_CHARACTERS, LOCAL_CHARACTERS = 254, 64
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_HOST = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?")


def read_address(written: str) -> str | None:
    """A bare address to which mail can be sent, its domain in ASCII; None for any other text (RFC 5321, 4.5.3.1).

    Quoted local parts are refused: they exist, and nobody has one; so are addresses with an IP number for a domain.
    """
    local, at, domain = written.strip().rpartition("@")
    if not at or len(local) > LOCAL_CHARACTERS or not _LOCAL.fullmatch(local):
        return None
    try:
        host = idna.encode(domain, uts46=True, std3_rules=True).decode("ascii").lower()
    except (idna.IDNAError, UnicodeError, ValueError):
        return None
    address = f"{local}@{host}"
    if len(address) > ADDRESS_CHARACTERS or not _HOST.fullmatch(host) or wording.mail_address(address) is None:
        return None
    return address


# ── sign-up ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def subscribe(visit: Visit) -> Response:
    """GET shows the form, POST takes it; the answer is the same whatever is known of the address."""
    offer = signup.offered(visit.rt)
    if offer is None:
        return visit.refuse("closed", 404)
    rules = choices.offered_rules(visit.rt, offer, visit.language)
    if not visit.posted:
        return _signup_form(visit, offer, rules, choices.first_choices(visit.language))
    fresh = visit.check_form()
    address = read_address(visit.form.one("address"))
    wanted, wrong = choices.read_choices(visit.form, rules, visit.language, open_end=not offer.rules)
    if address is None:
        wrong["address"] = visit.say("bad_address")
    if wrong or not fresh:
        return _signup_form(visit, offer, rules, choices.typed_choices(visit.form), wrong=wrong, stale=not fresh)
    if visit.form.one(TRAP):
        return _asked(visit)  # a program filled in what people do not see: it is told nothing
    client = client_address(visit.request, visit.rt.settings.trusted_proxies)
    try:
        reason = signup.ask(visit.rt, Asked(address=str(address), wanted=wanted, client=client))
    except CannotHelp:
        return visit.refuse("away", 503)
    return flooded(visit) if reason in TOO_MANY else _asked(visit)


def _asked(visit: Visit) -> Response:
    return visit.tell("asked_title", visit.say("asked_lead"), note=visit.say("asked_again"))


def _signup_form(
    visit: Visit, offer: Signup, rules: tuple[Offered, ...], chosen: dict[str, Any], **more: Any
) -> Response:
    shown = {"wrong": {}, "stale": False, **more}
    return visit.page(
        "subscribe.html.j2",
        "signup_title",
        status=422 if shown["wrong"] else 200,
        address=visit.form.one("address")[:300],
        chosen=chosen,
        options=choices.options(visit.language, rules, open_end=not offer.rules),
        trap=TRAP,
        **shown,
    )


def confirm(visit: Visit) -> Response:
    """GET shows what was chosen and a button, POST begins the subscription."""
    reader = visit.reader()
    if not reader.own:
        raise NotHere
    outcome = None
    if visit.posted and visit.check_form():
        outcome = signup.confirm(visit.rt, reader.id)
        if outcome is None:
            raise NotHere
    if outcome is Confirmed.ENDED or reader.ended_at is not None:
        return visit.tell("end_title", visit.say("settings_ended"), link=_path(visit, Purpose.UNSUBSCRIBE, reader.id))
    done = outcome is not None or reader.unconfirmed_since is None
    return visit.page(
        "confirm.html.j2",
        "confirmed_title" if done else "confirm_title",
        lead=visit.say("confirmed_lead" if done else "confirm_lead"),
        done=done,
        rows=choices.in_words(reader.config, _rule_names(visit), visit.language),
        settings=_path(visit, Purpose.PREFERENCES, reader.id),
        end=_path(visit, Purpose.UNSUBSCRIBE, reader.id),
    )


def _path(visit: Visit, purpose: Purpose, reader_id: str) -> str:
    return f"/{purpose}/{visit.signer.token(purpose, s=reader_id)}"


def _rule_names(visit: Visit) -> dict[str, str]:
    return {one.id: one.title for one in choices.offered_rules(visit.rt, None, visit.language)}
