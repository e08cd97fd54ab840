"""Facts, amounts, days and foreign text as words that every way out shares; leaves layout and escaping to each of them.

Everything here is pure and takes any string that a publisher may have sent.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from datetime import date, datetime
from email.headerregistry import Address
from email.utils import parseaddr
from urllib.parse import quote, urlsplit, urlunsplit

from watcher.model import AlertView, Bound, Change, ChangeWhy, EventView, Fact, FactKind, Snippet

_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff"
    "\U000e0000-\U000e007f]"
)
_SPACES = re.compile(r"\s+")
_LINE_ENDS = re.compile("\r\n?|[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_BLANK_LINES = re.compile(r"\n{3,}")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_SCALES = ((1e12, "tn"), (1e9, "bn"), (1e6, "M"), (1e3, "k"))
_LINK_SAFE = "!#$%&'()*+,-./:;=?@[]_~"
_LINK_LIMIT = 2000
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


# ── text from outside ────────────────────────────────────────────────────────────────────────────────────────────────


def one_line(text: str, limit: int | None = None) -> str:
    """`text` on one line: no line ends, control or bidi characters, no lone surrogates; cut to `limit` code points."""
    flat = _SPACES.sub(" ", _UNSEEN.sub("", text)).strip()
    return flat if limit is None else shorten(flat, limit)


def paragraphs(text: str, limit: int | None = None) -> str:
    """As `one_line`, but line feeds stay; never more than one empty line in a row."""
    lines = _UNSEEN.sub("", _LINE_ENDS.sub("\n", text)).split("\n")
    tidy = _BLANK_LINES.sub("\n\n", "\n".join(_SPACES.sub(" ", line).strip() for line in lines)).strip()
    return tidy if limit is None else shorten(tidy, limit)


def _joins(before: str, after: str) -> bool:
    """Whether a cut between these two characters would tear a visible one apart."""
    return (
        before == "\u200d"
        or after in "\u200d\ufe0e\ufe0f"
        or unicodedata.combining(after) != 0
        or "\U0001f3fb" <= after <= "\U0001f3ff"
        or ("\U0001f1e6" <= after <= "\U0001f1ff" and "\U0001f1e6" <= before <= "\U0001f1ff")
    )


def shorten(text: str, limit: int) -> str:
    """At most `limit` code points, ending in "…" when cut; at a word's end where one is near, never inside an emoji."""
    if len(text) <= limit:
        return text
    if limit < 1:
        return ""
    end = limit - 1
    space = text.rfind(" ", max(0, end - 24), end + 1)
    if space > limit // 2:
        return text[:space].rstrip(" ,;:–-") + "…"
    floor = max(0, end - 64)
    while end > floor and _joins(text[end - 1], text[end]):
        end -= 1
    return text[:end].rstrip() + "…"


def web_link(url: str | None) -> str | None:
    """`url` when it is an http(s) address fit to stand in a message, odd characters percent-encoded; else None."""
    if not url or len(url) > _LINK_LIMIT or _UNSEEN.search(url) or any(char.isspace() for char in url.strip()):
        return None
    url = url.strip()
    try:
        parts = urlsplit(url)
        host = parts.netloc if parts.netloc.isascii() else parts.netloc.encode("idna").decode()
    except ValueError:  # UnicodeError of an impossible name is one
        return None
    if parts.scheme.lower() not in ("http", "https") or not parts.hostname or "\\" in url:
        return None
    return quote(urlunsplit(parts._replace(netloc=host)), safe=_LINK_SAFE)


def mail_address(written: str | None) -> Address | None:
    """`Name <local@domain>` or `local@domain`, the domain in its ASCII form; None when mail cannot be sent there."""
    name, bare = parseaddr(written or "")
    local, at, domain = bare.rpartition("@")
    try:
        address = Address(one_line(name, 100), username=local, domain=domain.encode("idna").decode("ascii"))
        sound = at and local and address.addr_spec.isascii() and len(local) <= 64 and "\\" not in address.addr_spec
    except (ValueError, IndexError):
        return None
    return address if sound and not _CONTROL.search(written or "") else None


# ── numbers, days, amounts ───────────────────────────────────────────────────────────────────────────────────────────


def day(value: date | datetime) -> str:
    """`29 Jul 2024`, the same in every locale."""
    return f"{value.day} {_MONTHS[value.month - 1]} {value.year}"


def _written_day(value: str) -> str:
    """An ISO day, month or year as words; anything else as it is."""
    try:
        return day(date.fromisoformat(value[:10]))
    except ValueError:
        pass
    year, dash, month = value.partition("-")
    if dash and year.isdigit() and month.isdigit() and 1 <= int(month) <= 12:
        return f"{_MONTHS[int(month) - 1]} {year}"
    return value


def compact(value: float, digits: int = 4) -> str:
    """`10.2bn`, `712M`, `850k`, `12.5`: at most `digits` significant digits, no trailing zeros."""
    size = abs(value)
    for scale, suffix in _SCALES:
        # Rounding may carry into the next scale: 999,960 is 1M and never 1000k.
        if float(f"{size:.{digits}g}") >= scale:
            return f"{_plain(value / scale, digits)}{suffix}"
    return _plain(value, digits)


def _plain(value: float, digits: int) -> str:
    rounded = float(f"{value:.{digits}g}")
    return f"{rounded:.0f}" if rounded == int(rounded) else f"{rounded:f}".rstrip("0").rstrip(".")


_BOUNDED: dict[Bound, str] = {
    Bound.EXACT: "{}",
    Bound.ABOUT: "about {}",
    Bound.AT_LEAST: "more than {}",
    Bound.AT_MOST: "up to {}",
    Bound.RANGE: "{}",
    Bound.VAGUE: "{} or more",
}


def amount(fact: Fact) -> str:
    """A money fact in its own currency with its bound: `up to 1.2bn USD`, `10M–15M EUR`."""
    if not isinstance(fact.value, int | float) or isinstance(fact.value, bool):
        return one_line(fact.text, 80)
    figure = compact(fact.value)
    if fact.high is not None and fact.high > fact.value:
        figure = f"{figure}–{compact(fact.high)}"
    currency = fact.currency or "(currency not told)"
    return _BOUNDED[fact.bound or Bound.EXACT].format(f"{figure} {currency}")


def usd(value: float) -> str:
    """`1.43bn USD`: three digits, since a converted amount is no more exact than that."""
    return f"{compact(value, 3)} USD"


def amount_usd(fact: Fact) -> float | None:
    """The fact's amount in US dollars, where it is known."""
    if fact.usd is not None:
        return fact.usd
    known = fact.currency == "USD" and isinstance(fact.value, int | float)
    return float(fact.value) if known and not isinstance(fact.value, tuple) else None


def full_amount(fact: Fact) -> str:
    """`10.2bn CNY (≈ 1.43bn USD, rate of 15 Dec 2025)`; plain when it is in dollars or has no rate."""
    own = amount(fact)
    if fact.usd is None or fact.currency in (None, "USD"):
        return own
    rate = f", rate of {day(fact.rate_date)}" if fact.rate_date else ""
    return f"{own} (≈ {usd(fact.usd)}{rate})"


# ── facts ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def values(fact: Fact) -> tuple[str, ...]:
    """The fact's values as clean one-line words; a flag is its own name."""
    if fact.kind is FactKind.MONEY:
        return (full_amount(fact),)
    if isinstance(fact.value, bool):
        return (_label(fact.name).lower() if fact.value else f"not {_label(fact.name).lower()}",)
    raw = fact.value if isinstance(fact.value, tuple) else (fact.value,)
    words = (compact(one, 6) if isinstance(one, int | float) else one_line(str(one), 120) for one in raw)
    dated = (_written_day(word) if fact.kind is FactKind.DATE else word for word in words)
    return tuple(word for word in dated if word)


def short_values(fact: Fact) -> tuple[str, ...]:
    """As `values`, an amount in its own currency only."""
    return (amount(fact),) if fact.kind is FactKind.MONEY else values(fact)


def others(fact: Fact) -> str:
    """What other sources tell of an amount or a day at the same time, else nothing: `other sources: 1.2bn USD`."""
    if fact.kind not in (FactKind.MONEY, FactKind.DATE) or not fact.others:
        return ""
    told = (
        Fact(
            name=fact.name,
            kind=fact.kind,
            value=other.value,
            text=other.text,
            high=other.high,
            currency=other.currency,
            bound=other.bound,
        )
        for other in fact.others
    )
    return "other sources: " + joined((words for one in told for words in short_values(one)), 3)


_CHANGED: dict[ChangeWhy, str] = {
    ChangeWhy.CORRECTED: "{fact} corrected from {before} to {after}",
    ChangeWhy.NEWER: "{fact} corrected from {before} to {after} by a newer source",
    ChangeWhy.MOVED_ON: "{fact} moved on from {before} to {after}",
    ChangeWhy.ENDED: "reported as {after}, before: {before}",
    ChangeWhy.NOW_KNOWN: "{fact} now known: {after}",
    ChangeWhy.READ_AGAIN: "{fact} corrected from {before} to {after} after the full text was read",
}
_CHANGED_FROM_NOTHING: dict[ChangeWhy, str] = {ChangeWhy.ENDED: "reported as {after}"}


def change(one: Change) -> str:
    """`amount corrected from 1bn USD to 1.2bn USD`."""
    form = _CHANGED[one.why] if one.before else _CHANGED_FROM_NOTHING.get(one.why, "{fact} now known: {after}")
    named = {"fact": _label(one.fact).lower(), "before": one_line(one.before, 120), "after": one_line(one.after, 120)}
    return form.format(**named)


def update_line(alert: AlertView) -> str:
    """What changed since the reader was told, as a sentence without its full stop; nothing for what is new."""
    if not alert.update or not alert.changes:
        return ""
    words = "; ".join(change(one) for one in alert.changes[:4])
    return words[:1].upper() + words[1:]


def _label(name: str) -> str:
    return one_line(name.replace("_", " ").replace("-", " "), 40).capitalize()


def _listed(fact: Fact | None, most: int = 3, between: str = ", ") -> str:
    if fact is None:
        return ""
    words = values(fact)
    rest = f" and {len(words) - most} more" if len(words) > most else ""
    return between.join(words[:most]) + rest


def _who(event: EventView) -> str:
    giver, taker = _listed(event.fact("licensor")), _listed(event.fact("licensee"))
    if giver or taker:
        return " → ".join(part for part in (giver, taker) if part) if giver else f"→ {taker}"
    receiver, givers = _listed(event.fact("recipient")), _listed(event.fact("investors", "investor"))
    if receiver or givers:
        return f"{receiver} ← {givers}" if receiver and givers else receiver or f"from {givers}"
    return _listed(event.fact("places", "place"), 4, " ↔ ")


def _money(event: EventView) -> str:
    if event.amount is None:
        return ""
    beside = others(event.amount)
    return f"{full_amount(event.amount)} ({beside})" if beside else full_amount(event.amount)


def _upfront(event: EventView) -> str:
    fact = event.fact("upfront")
    return f"{full_amount(fact)} upfront" if fact and fact is not event.amount else ""


def _terms(event: EventView) -> str:
    exclusive = event.fact("exclusive")
    spread = [] if exclusive is None else ["exclusive" if exclusive.value else "non-exclusive"]
    return ", ".join([*spread, *filter(None, [_listed(event.fact("territory"))])])


def _projects(event: EventView) -> str:
    words = _listed(event.fact("projects"), 2)
    if not words.isdigit():
        return words
    return f"{words} project" if words == "1" else f"{words} projects"


_LINE: tuple[tuple[Callable[[EventView], str], tuple[str, ...]], ...] = (
    (_who, ("licensor", "licensee", "recipient", "investors", "investor", "places", "place")),
    (lambda event: _listed(event.fact("asset", "assets"), 2), ("asset", "assets")),
    (lambda event: _listed(event.fact("round")), ("round",)),
    (_money, ()),
    (_upfront, ("upfront",)),
    (_terms, ("exclusive", "territory")),
    (lambda event: _listed(event.fact("stage")), ("stage",)),
    (lambda event: _listed(event.fact("date", "day")), ("date", "day")),
    (_projects, ("projects",)),
)
"""The parts of a facts line in their order, and the names of the facts each part tells."""
_TOLD = frozenset(name for _, names in _LINE for name in names) | {"parties", "party"}


def facts_parts(event: EventView) -> tuple[str, ...]:
    """The parts of the facts line. Facts of a rule of one's own that no part knows come last, by their values."""
    known = [part(event) for part, _ in _LINE]
    own = [
        _listed(fact)
        for fact in event.facts.values()
        if fact.name not in _TOLD and fact is not event.amount and fact.value is not False
    ]
    return tuple(part for part in (*known, *own) if part)


def facts_line(event: EventView) -> str:
    """An event's facts as one line: `Konoya → AstraZeneca · CMG901 · 1.2bn USD · exclusive, global`."""
    return " · ".join(facts_parts(event))


def fact_rows(event: EventView) -> tuple[tuple[str, str], ...]:
    """Each fact as (label, words), in the order the rule declares."""
    rows = ((fact, _yes_no(fact) or _listed(fact, 6)) for fact in event.facts.values())
    return tuple((_label(fact.name), "; ".join(filter(None, [words, others(fact)]))) for fact, words in rows if words)


def _yes_no(fact: Fact) -> str:
    return ("yes" if fact.value else "no") if isinstance(fact.value, bool) else ""


def counted(number: int, one: str, many: str | None = None) -> str:
    """`1 event`, `4 events`, `no events`."""
    return f"{number or 'no'} {one if number == 1 else many or one + 's'}"


def joined(words: Iterable[str], most: int = 5) -> str:
    """`a, b and c`; past `most` words the rest as a number."""
    every = [word for word in (one_line(word, 80) for word in words) if word]
    shown = every if len(every) <= most else [*every[:most], f"{len(every) - most} more"]
    return " and ".join(filter(None, [", ".join(shown[:-1]), shown[-1]])) if shown else ""


# ── evidence ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def segments(snippet: Snippet, limit: int = 420) -> tuple[tuple[str, bool], ...]:
    """The snippet as (words, marked) pieces in order, about `limit` code points around its first mark."""
    text, marks = snippet.text, _sound_marks(snippet)
    start, end = _around(text, marks[0][0] if marks else 0, limit)
    pieces: list[tuple[str, bool]] = [("…", False)] if start else []
    at = start
    for left, right in marks:
        left, right = max(left, at), min(right, end)
        if left < right:
            pieces += [(text[at:left], False), (text[left:right], True)]
            at = right
    pieces += [(text[at:end], False), ("…" if end < len(text) else "", False)]
    clean = ((_SPACES.sub(" ", _UNSEEN.sub("", words)), marked) for words, marked in pieces)
    return tuple((words, marked) for words, marked in clean if words)


def _sound_marks(snippet: Snippet) -> list[tuple[int, int]]:
    sound = sorted((start, end) for start, end in snippet.marks if 0 <= start < end <= len(snippet.text))
    apart: list[tuple[int, int]] = []
    for start, end in sound:
        if apart and start <= apart[-1][1]:
            apart[-1] = (apart[-1][0], max(end, apart[-1][1]))
        else:
            apart.append((start, end))
    return apart


def _around(text: str, mark: int, limit: int) -> tuple[int, int]:
    if len(text) <= limit:
        return 0, len(text)
    start = 0 if mark < limit * 2 // 3 else min(mark - limit // 3, len(text) - limit)
    end = min(start + limit, len(text))
    if start and (space := text.find(" ", start, start + 24)) >= 0:
        start = space + 1
    if end < len(text) and (space := text.rfind(" ", end - 24, end)) > mark:
        end = space
    while end > mark + 1 and end < len(text) and _joins(text[end - 1], text[end]):
        end -= 1
    return start, end
