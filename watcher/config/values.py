"""How each single value of watcher.yml is read: what the model wants, or a refusal with its cure and None."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Callable
from datetime import time
from email.utils import getaddresses
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Any, TypeVar
from urllib.parse import urlsplit

from watcher import wording
from watcher.config.place import At, Read, elements, kind_of, near, quoted
from watcher.model import Schedule, Secret, When
from watcher.settings import duration_s

Word = TypeVar("Word", bound=StrEnum)
WHEN_HELP = "immediate, hourly, daily 08:00, daily 08:00 on weekdays, or weekly mon 08:00"
SAY_WHERE = "write {env: NAME} or {file: path}"
ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,79}")
LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
LANGUAGE_LENGTH = 16
URL_LENGTH = 2000
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,80}")
_DOMAIN = re.compile(r"(?i:[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)(?i:\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?){0,9}")
_AMOUNT = re.compile(
    r"([0-9]{1,12}(?:\.[0-9]{1,6})?)\s*(k|m|mn|million|bn|b|billion)?\s*(?:([A-Za-z]{3}))?", re.IGNORECASE
)
_SCALE = {"": 1.0, "k": 1e3, "m": 1e6, "mn": 1e6, "million": 1e6, "b": 1e9, "bn": 1e9, "billion": 1e9}
OWN_HEADERS = frozenset(
    "accept-encoding user-agent cookie referer host connection content-length transfer-encoding te upgrade expect "
    "if-none-match if-modified-since if-match if-unmodified-since if-range range a-im cache-control pragma".split()
)
"""What a feed's own headers may not set: what every publisher is promised, and the bounds that guard us."""


def read_text(at: At, value: Any) -> str | None:
    if not isinstance(value, str):
        at.refuse(f"{at.name()} must be text, not {kind_of(value)}", "put quotation marks around it")
        return None
    if not value.strip() or any(ord(letter) < 32 or 0x7F <= ord(letter) < 0xA0 for letter in value):
        at.refuse(f"{at.name()} must be one line of text")
        return None
    return value.strip()


def read_id(at: At, value: Any) -> str | None:
    text = read_text(at, value)
    if text is not None and not ID.fullmatch(text):
        at.refuse(f"{quoted(text)} cannot be an id", "small letters, digits, - and _, 80 at most, as daily-digest")
        return None
    return text


def read_language(at: At, value: Any) -> str | None:
    text = read_text(at, value)
    if text is not None and not LANGUAGE.fullmatch(text):
        at.refuse(f"{quoted(text)} is no language", "a code, as en or zh")
        return None
    if text is not None and len(text) > LANGUAGE_LENGTH:
        at.refuse(f"{quoted(text)} is longer than {LANGUAGE_LENGTH} characters", "a code, as zh-Hant or en-GB")
        return None
    return text


def read_flag(at: At, value: Any) -> bool | None:
    if not isinstance(value, bool):
        at.refuse(f"{at.name()} must be true or false, not {quoted(value)}", "write true or false without quotes")
        return None
    return value


def list_of(read_one: Read) -> Read:
    def read_list(at: At, value: Any) -> tuple[Any, ...]:
        done = [read_one(place, inner) for place, inner in elements(at, value)]
        seen: set[Any] = set()
        for index, inner in enumerate(done):
            if inner is not None and inner in seen:
                at.down(index).refuse(f"{quoted(inner)} is listed twice", "keep one of them")
            seen.add(inner)
        return tuple(inner for inner in done if inner is not None)

    return read_list


def read_web_url(at: At, value: Any) -> str | None:
    text = read_text(at, value)
    if text is None:
        return None
    if len(text) > URL_LENGTH:
        at.refuse(f"{quoted(text)} is longer than {URL_LENGTH} characters")
        return None
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        at.refuse(f"{quoted(text)} is no URL")
        return None
    if not usable or re.search(r"\s", text):
        at.refuse(f"{quoted(text)} is no web address", "write it whole, as https://example.org/feed.xml")
        return None
    if parts.username or parts.password:
        at.refuse("a name or password inside a URL would end up in logs", _CREDENTIALS.get(at.name(), SAY_WHERE))
        return None
    return text


_CREDENTIALS = {"url": f"for a feed, headers: {{Authorization: …}}; for a channel {SAY_WHERE}"}


def read_secret(at: At, value: Any) -> Secret | None:
    if isinstance(value, str):
        variable = re.fullmatch(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)\}?", value)
        cure = f"write {{env: {variable[1]}}}" if variable else SAY_WHERE
        at.refuse(f"{at.name()} is a secret and must not stand in this file", cure)
        return None
    if not isinstance(value, dict) or len(value) != 1 or next(iter(value)) not in ("env", "file"):
        at.refuse(f"{at.name()} must say where the secret is", SAY_WHERE)
        return None
    ((place, name),) = value.items()
    if not isinstance(name, str) or not name.strip():
        at.down(place).refuse(f"{place} must name {'a variable' if place == 'env' else 'a file'}", SAY_WHERE)
        return None
    if place == "env" and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        at.down(place).refuse(f"{quoted(name)} is no name of a variable", "letters, digits and _, as SLACK_URL")
        return None
    return Secret(**{place: name})


def read_smtp_url(at: At, value: Any) -> Secret | str | None:
    if not isinstance(value, str):
        return read_secret(at, value)
    help_text = "smtp://host:25, smtp+starttls://host:587 or smtps://host:465; with a password, " + SAY_WHERE
    try:
        parts = urlsplit(value)
        sound = parts.scheme in ("smtp", "smtp+starttls", "smtps") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        sound = False
    if not sound:
        at.refuse("smtp_url is no address of a mail server", help_text)
        return None
    if parts.password:
        at.refuse("smtp_url holds a password, which must not stand in this file", SAY_WHERE)
        return None
    return value


def read_url_or_secret(at: At, value: Any) -> Secret | str | None:
    return read_web_url(at, value) if isinstance(value, str) else read_secret(at, value)


def read_mail(at: At, value: Any) -> str | None:
    text = read_text(at, value)
    if text is None:
        return None
    addresses = getaddresses([text])
    address = addresses[0][1] if len(addresses) == 1 else ""
    local, _, domain = address.rpartition("@")
    if not local or not domain or len(address) > 254 or re.search(r"[\s,;<>]", address):
        at.refuse(f"{quoted(text)} is no mail address", "one address, as ops@example.org")
        return None
    kept = text if at.name() == "sender" else address
    if wording.mail_address(kept) is None:
        at.refuse(f"mail cannot be sent with the address {quoted(text)}", "at most 64 letters before the @, all ASCII")
        return None
    return kept


def read_domain(at: At, value: Any) -> str | None:
    text = read_text(at, value)
    if text is not None and not _DOMAIN.fullmatch(text):
        at.refuse(f"{quoted(text)} is no name of a host", "letters, digits, - and dots, as mail.example.org")
        return None
    return text and text.lower()


def read_every(at: At, value: Any) -> int | None:
    try:
        seconds = duration_s(value) if isinstance(value, str) else -1.0
    except ValueError:
        seconds = -1.0
    if not 1 <= seconds <= 30 * 86400:
        at.refuse(f"{quoted(value)} is no time between polls", "a duration from 1s to 30d, as 15m, 1h or 1h30m")
        return None
    return int(seconds)


def enum_of(words: type[Word]) -> Callable[[At, Any], Word | None]:
    """Reads one of the enum's words."""

    def read_word(at: At, value: Any) -> Word | None:
        known = [str(word) for word in words]
        if value not in known:
            at.refuse(f"{quoted(value)} cannot be used for {at.name()}", f"write {_either(known)}")
            return None
        return words(value)

    return read_word


def _either(words: list[str]) -> str:
    return " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def read_headers(at: At, value: Any) -> dict[str, Secret] | None:
    if not isinstance(value, dict):
        at.refuse(
            f"headers must be a mapping, not {kind_of(value)}", "write headers: {Authorization: {env: FEED_TOKEN}}"
        )
        return None
    done = {}
    for key, inner in value.items():
        place = at.down(key)
        if not _HEADER.fullmatch(key):
            place.refuse(f"{quoted(key)} is no name of an HTTP header")
        elif key.lower() in OWN_HEADERS:
            place.refuse(f"{key} is set by the fetcher itself", "delete the line")
        elif (secret := read_secret(place, inner)) is not None:
            done[key] = secret
    return done


def read_zone(at: At, value: Any) -> str | None:
    names = zoneinfo.available_timezones()
    if not isinstance(value, str) or value not in names:
        at.refuse(
            f"{quoted(value)} is no time zone", near(str(value), sorted(names)) or "an IANA name, as Europe/Berlin"
        )
        return None
    return value


def parse_when(text: str) -> Schedule | None:
    """The schedule of words such as "daily 08:00 on weekdays", in UTC; None when they say nothing known."""
    found = re.fullmatch(
        r"(immediate|hourly)|(daily)\s+(\S+?)(\s+on\s+weekdays)?|(weekly)\s+(?:on\s+)?([a-z]+)\s+(\S+)",
        text.strip().lower(),
    )
    if not found:
        return None
    if found[1]:
        return Schedule(when=When(found[1]))
    clock = re.fullmatch(r"([01]?[0-9]|2[0-3]):([0-5][0-9])", found[3] or found[7])
    if not clock:
        return None
    at = time(int(clock[1]), int(clock[2]))
    if found[2]:
        return Schedule(when=When.DAILY, at=at, weekdays_only=bool(found[4]))
    full = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    day = next((i for i, name in enumerate(full) if found[6] in (name, name[:3])), None)
    return None if day is None else Schedule(when=When.WEEKLY, at=at, weekday=day)


def read_when(at: At, value: Any) -> Schedule | None:
    schedule = parse_when(value) if isinstance(value, str) else None
    if schedule is None:
        at.refuse(f"{quoted(value)} is no schedule", f"write {WHEN_HELP}")
    return schedule


def read_at_least(at: At, value: Any) -> str | None:
    """A threshold in one spelling, "10M USD"; the bare number 0 needs no currency."""
    found = _AMOUNT.fullmatch(str(value).strip()) if not isinstance(value, bool) else None
    help_text = "a number, k, M or bn, and a currency, as 10M USD or 500k EUR"
    if not found or (not found[3] and float(found[1]) != 0):
        at.refuse(f"{quoted(value)} is no amount of money", help_text)
        return None
    currency = (found[3] or "USD").upper()
    if currency not in _currencies():
        at.refuse(f"{quoted(currency)} is no currency", help_text)
        return None
    letter = {1.0: "", 1e3: "k", 1e6: "M", 1e9: "bn"}[_SCALE[(found[2] or "").lower()]]
    return f"{found[1]}{letter} {currency}"


def read_currency(at: At, value: Any) -> str | None:
    code = str(value).upper()
    if code not in _currencies():
        at.refuse(f"{quoted(value)} is no currency", "a code of ISO 4217, as EUR")
        return None
    return code


@cache
def _currencies() -> tuple[str, ...]:
    """The active currency codes of ISO 4217."""
    return tuple(resources.files("watcher.data").joinpath("iso4217.txt").read_text("ascii").split())


def dollars(threshold: str | None) -> float | None:
    """US dollars of a threshold as `read_at_least` spells it; None when it is in another currency, or none."""
    found = _AMOUNT.fullmatch(threshold or "")
    return float(found[1]) * _SCALE[(found[2] or "").lower()] if found and found[3] == "USD" else None
