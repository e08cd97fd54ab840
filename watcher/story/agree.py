"""Whether two values of one fact say the same, so that a difference of wording or rounding is never taken for news."""

from __future__ import annotations

import unicodedata

from watcher.model import Bound, Fact, FactKind

_RATE_TOLERANCE = 0.05
"""Amounts told in two currencies were converted at rates of different days."""
_STAGES = (
    ("denied",),
    ("rumoured",),
    ("exploring", "proposed", "sought", "talks"),
    ("planned", "announced", "intended"),
    ("mou", "agreed"),
    ("signed",),
    ("extended", "approved", "closed", "completed", "done"),
)
"""Stages from the earliest to the last; those of a row are as far as each other."""
ENDINGS = frozenset({"ended", "denied", "terminated", "cancelled", "withdrawn"})


def agree(one: Fact, two: Fact) -> bool:
    """Whether both tell the same value: amounts within rounding, bounds and rates, words without case and width."""
    if FactKind.MONEY in (one.kind, two.kind):
        return _same_amount(one, two)
    if isinstance(one.value, tuple) or isinstance(two.value, tuple):
        return _words(one) == _words(two)
    return one.value == two.value or _words(one) == _words(two)


def comparable(one: Fact, two: Fact) -> bool:
    """Whether a difference between the two means anything: amounts need a currency, or dollars, in common."""
    return one.kind is not FactKind.MONEY or _scale(one, two) is not None


def stage_goes_on(before: str, after: str) -> bool:
    """Whether the stage went forward: further along, or over. A stage of a rule's own is forward of any other."""
    if after in ENDINGS:
        return before not in ENDINGS
    if before in ENDINGS:
        return _rank(after) >= _rank("mou")
    known, told = _rank(before), _rank(after)
    return told < 0 or known < 0 or told > known


def _rank(stage: str) -> int:
    return next((rank for rank, names in enumerate(_STAGES) if stage.casefold() in names), -1)


def _words(fact: Fact) -> frozenset[str]:
    values = fact.value if isinstance(fact.value, tuple) else (fact.value,)
    return frozenset(unicodedata.normalize("NFKC", str(one)).casefold().strip() for one in values)


def _same_amount(one: Fact, two: Fact) -> bool:
    scale = _scale(one, two)
    if scale is None:
        return one.value == two.value and None in (one.currency, two.currency)
    (low, high), (other_low, other_high) = _spread(one, scale[0]), _spread(two, scale[1])
    if one.currency != two.currency:
        low, high = low * (1 - _RATE_TOLERANCE), high * (1 + _RATE_TOLERANCE)
    return low < other_high and other_low < high


def _scale(one: Fact, two: Fact) -> tuple[float, float] | None:
    """What to multiply each value with to compare them; None when they cannot be compared."""
    if not (_is_number(one) and _is_number(two)):
        return None
    if one.currency == two.currency and one.currency is not None:
        return 1.0, 1.0
    if one.usd is None or two.usd is None or not one.value or not two.value:
        return None
    return one.usd / float(one.value), two.usd / float(two.value)  # type: ignore[arg-type]


def _is_number(fact: Fact) -> bool:
    return isinstance(fact.value, int | float) and not isinstance(fact.value, bool)


def _spread(fact: Fact, scale: float) -> tuple[float, float]:
    """The amounts that the words leave open: half of the last digit that is told, more where a bound says so."""
    value = float(fact.value)  # type: ignore[arg-type]
    half = _half_digit(value)
    low, high = value - half, max(value, fact.high or value) + half
    match fact.bound:
        case Bound.ABOUT:
            low, high = low * 0.93, high * 1.07
        case Bound.AT_LEAST:
            high *= 1.2
        case Bound.AT_MOST:
            low *= 0.8
        case Bound.VAGUE:
            high *= 10
    return low * scale, high * scale


def _half_digit(value: float) -> float:
    """Half a unit of the last significant digit, at least the second one: 1.0bn leaves 0.95 to 1.05 open."""
    digits = f"{abs(value):.8e}"
    mantissa, exponent = digits.split("e")
    told = max(2, len(mantissa.replace(".", "").rstrip("0")))
    return 0.5 * float(10 ** (int(exponent) - told + 1))
