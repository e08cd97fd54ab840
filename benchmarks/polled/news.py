"""Feeds of made-up news in the words of our own seeds, about 21 KB with 20 entries each.

The same words in every run; the dates count back from the run, since a feed that has long been silent is another case.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import cache
from itertools import pairwise
from pathlib import Path
from xml.sax.saxutils import escape

SEEDS = Path(__file__).resolve().parents[2] / "seeds"
ENTRIES = 20
_SENTENCES = 4000
_NEWEST = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)
_FRONT_MATTER = re.compile(r"\A---.*?^---$", re.DOTALL | re.MULTILINE)


@cache
def sentences() -> tuple[str, ...]:
    """Sentences that a chain of single words makes of the seeds: their vocabulary, and hardly one of their facts."""
    chance = random.Random(21)
    texts = [_FRONT_MATTER.sub("", path.read_text("utf-8")) for path in sorted(SEEDS.glob("00*.md"))]
    words = [word for text in texts for word in re.sub(r'[#*“”"()]', " ", text).split()]
    after: dict[str, list[str]] = defaultdict(list)
    for word, following in pairwise(words):
        after[word].append(following)
    starts = [word for word in after if word[:1].isupper() and not word.endswith(".")]
    return tuple(_sentence(chance, after, starts) for _ in range(_SENTENCES))


def _sentence(chance: random.Random, after: dict[str, list[str]], starts: list[str]) -> str:
    made = [chance.choice(starts)]
    wanted = chance.randint(12, 26)
    while len(made) < wanted and not made[-1].endswith("."):
        made.append(chance.choice(after.get(made[-1]) or starts))
    return " ".join(made).rstrip(".,;:") + "."


def feed(number: int) -> bytes:
    """The RSS document of feed `number`."""
    chance = random.Random(f"feed {number}")
    entries = "".join(_entry(chance, number, place) for place in range(ENTRIES))
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f"<channel><title>Biotech wire {number}</title><link>https://wire-{number}.example/</link>"
        f"<description>News of biotechnology, desk {number}</description><language>en-gb</language>"
        f"<ttl>60</ttl>{entries}</channel></rss>\n"
    ).encode()


def _entry(chance: random.Random, number: int, place: int) -> str:
    told = chance.sample(sentences(), 8)
    title = " ".join(told[0].rstrip(".").split()[:12])
    body = f"<p>{escape(' '.join(told[1:4]))}</p>\n<p>{escape(' '.join(told[4:]))}</p>"
    link = f"https://wire-{number}.example/news/{place}-{chance.randrange(1 << 32):08x}"
    at = format_datetime(_NEWEST - timedelta(minutes=37 * place + number % 60), usegmt=True)
    return (
        f"\n<item><title>{escape(title)}</title><link>{link}?utm_source=rss</link>"
        f'<guid isPermaLink="false">{link}</guid><pubDate>{at}</pubDate><dc:creator>Desk {number % 7}</dc:creator>'
        f"<category>Biotech</category><description>{escape(body)}</description></item>"
    )
