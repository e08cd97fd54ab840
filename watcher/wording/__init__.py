"""Facts, amounts, days, foreign text and our own phrases as words; every way out shares them and adds its own layout.

Everything here is pure, takes any string that a publisher may have sent, and speaks the language it is asked for:
English where none is named.
"""

from watcher.wording.evidence import segments
from watcher.wording.facts import (
    fact_rows,
    facts_line,
    facts_parts,
    label,
    others,
    short_values,
    term,
    values,
)
from watcher.wording.figures import (
    amount,
    amount_usd,
    compact,
    day,
    full_amount,
    translated,
    usd,
    weekday,
    written_day,
)
from watcher.wording.phrases import PHRASES, counted, joined, number_of, say
from watcher.wording.telling import change, coverage, reason, update_line
from watcher.wording.text import mail_address, one_line, paragraphs, shorten, web_link

__all__ = [
    "PHRASES",
    "amount",
    "amount_usd",
    "change",
    "compact",
    "counted",
    "coverage",
    "day",
    "fact_rows",
    "facts_line",
    "facts_parts",
    "full_amount",
    "joined",
    "label",
    "mail_address",
    "number_of",
    "one_line",
    "others",
    "paragraphs",
    "reason",
    "say",
    "segments",
    "short_values",
    "shorten",
    "term",
    "translated",
    "update_line",
    "usd",
    "values",
    "web_link",
    "weekday",
    "written_day",
]
