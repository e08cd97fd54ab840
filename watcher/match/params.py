"""The parameters of a rule, which the command line and a subscription can override: checked values only."""

from __future__ import annotations

from typing import Any

from watcher.annotate.money import parse_threshold
from watcher.annotate.rates import to_usd

PARAMS = ("at_least", "unknown_amount")


def read_param(key: str, value: Any) -> Any:
    """The checked value of a rule's parameter: US dollars for `at_least`, match or skip for `unknown_amount`.

    Raises ValueError with what to write instead.
    """
    if key == "at_least":
        return threshold_usd(value)
    if key == "unknown_amount":
        if value not in ("match", "skip"):
            raise ValueError(f"unknown_amount is 'match' or 'skip', not {value!r}")
        return value
    raise ValueError(f"no parameter {key!r}: write one of {', '.join(PARAMS)}")


def threshold_usd(value: Any) -> float:
    """A threshold such as "10M USD" in US dollars at the newest rate; raises ValueError."""
    try:
        amount, currency = parse_threshold(str(value))
    except ValueError:
        raise ValueError(f"{value!r} is no amount: write it like '10M USD'") from None
    converted = to_usd(amount, currency, None)
    if converted is None:
        raise ValueError(f"no exchange rate for {currency!r}: write the amount in USD")
    return converted.usd
