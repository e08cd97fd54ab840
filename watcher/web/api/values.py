"""The values that many nouns share: instants, money, names, pages of a list; what each noun holds stands with it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, PlainValidator, WithJsonSchema

from watcher.wording import one_line

_RFC3339 = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt]([0-9]{2}:[0-9]{2}:[0-9]{2})(\.[0-9]{1,30})?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_NO_NUL = "^[^\\u0000]*$"
_LARGEST = 2**53 - 1
"""Beyond it JSON numbers are not exact everywhere (RFC 8259, section 6)."""


def instant(value: Any) -> datetime:
    """An aware UTC instant from RFC 3339; raises ValueError. What lies before or after our calendar is its end."""
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    found = _RFC3339.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError("Write an instant as RFC 3339 has it, as 2027-01-31T08:00:00Z")
    day, clock, fraction, zone = found.groups()
    clock = f"{clock[:6]}59" if clock.endswith(":60") else clock
    read = datetime.fromisoformat(f"{day}T{clock}{(fraction or '')[:7]}{zone.upper()}")
    try:
        return read.astimezone(UTC)
    except OverflowError:
        return read.replace(tzinfo=UTC)


def shown_instant(at: datetime) -> str:
    """`2027-01-31T08:00:00Z`, with as many digits as it has."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


Instant = Annotated[
    datetime,
    PlainValidator(instant),
    PlainSerializer(shown_instant, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""RFC 3339; answers are UTC and end in Z."""
Id = Annotated[int, Field(ge=1, le=_LARGEST)]
Text = Annotated[str, Field(max_length=2000, pattern=_NO_NUL)]
Name = Annotated[str, Field(min_length=1, max_length=160, pattern=_NO_NUL)]
Word = Annotated[str, Field(min_length=1, max_length=80, pattern="^[a-z0-9][a-z0-9_-]*$")]
"""An id as watcher.yml and rule files write it."""


class Answer(BaseModel):
    """What is answered: no member that is not declared."""

    model_config = ConfigDict(extra="forbid")


class Asked(BaseModel):
    """Parameters or a body: members that are not declared are refused."""

    model_config = ConfigDict(extra="forbid")


class NumberedList(Asked):
    """A page of a list whose rows have numbers, newest first."""

    limit: int = Field(50, ge=1, le=200, description="At most so many.")
    cursor: Id | None = Field(None, description="Where to go on: as `next` of the page before has it.")


class NamedList(Asked):
    """A page of a list whose rows have names, in their order."""

    limit: int = Field(50, ge=1, le=200, description="At most so many.")
    cursor: Name | None = Field(None, description="Where to go on: as `next` of the page before has it.")


Row = TypeVar("Row", bound=Answer)


class Page(Answer, Generic[Row]):
    """One page of a list."""

    items: list[Row]
    next: str | None = Field(None, description="Address of the next page; null on the last. Also as a Link header.")


class Money(Answer):
    """An amount as told, and what it comes to in US dollars at the rate of its day."""

    amount: float | None = Field(description="In units of the currency; the lower end of a range.")
    currency: str | None = Field(description="ISO 4217; null where the text does not say.")
    usd: float | None


class Count(Answer):
    """How many rows a call changed."""

    changed: int


def line(text: str | None, width: int = 400) -> str:
    """One line without control characters, as publishers' words are shown; empty for nothing."""
    return one_line(text or "", width)
