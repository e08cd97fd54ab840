"""What publishers write about when to look again, wherever in the channel they write it."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from watcher.model import Wishes
from watcher.parse.wishes import wishes_of

ITEM = "<item><title>T</title><ttl>5</ttl><skipDays><day>Friday</day></skipDays></item>"
SY = 'xmlns:sy="http://purl.org/rss/1.0/modules/syndication/"'


def rss(head: str = "", tail: str = "") -> str:
    channel = f"<channel><title>N</title>{head}{ITEM}{ITEM}{tail}</channel>"
    return f"<?xml version='1.0'?><rss version='2.0' {SY}>{channel}</rss>"


@pytest.mark.parametrize(
    ("said", "wishes"),
    [
        ("", Wishes()),
        ("<ttl>60</ttl>", Wishes(ttl_s=3600)),
        ("<ttl>\n  60\n</ttl>", Wishes(ttl_s=3600)),
        ("<TTL>60</TTL>", Wishes(ttl_s=3600)),
        ("<ttl><![CDATA[60]]></ttl>", Wishes(ttl_s=3600)),
        ("<ttl>0</ttl>", Wishes()),
        ("<ttl>-60</ttl>", Wishes()),
        ("<ttl>1.5</ttl>", Wishes()),
        ("<ttl>soon</ttl>", Wishes()),
        ("<ttl/>", Wishes()),
        ("<ttl>9999999</ttl>", Wishes(ttl_s=7 * 86400)),
        ("<ttl>" + "9" * 50_000 + "</ttl>", Wishes()),
        ("<!-- <ttl>60</ttl> -->", Wishes()),
        ("<!-- an <item> comes --><ttl>60</ttl>", Wishes(ttl_s=3600)),
        ("<description><![CDATA[<ttl>60</ttl> <item>]]></description><ttl>90</ttl>", Wishes(ttl_s=5400)),
        ("<items><Seq/></items><ttl>60</ttl>", Wishes(ttl_s=3600)),
        ("<skipHours><hour>0</hour><hour> 7 </hour><hour>23</hour></skipHours>", Wishes(skip_hours=(0, 7, 23))),
        ("<skipHours><hour>24</hour><hour>1</hour></skipHours>", Wishes(skip_hours=(0, 1))),
        ("<skipHours><hour>25</hour><hour>-1</hour><hour>x</hour></skipHours>", Wishes()),
        ("<skipHours>" + "<hour>3</hour>" * 100_000 + "</skipHours>", Wishes(skip_hours=(3,))),
        (
            "<skipHours>" + "".join(f"<hour>{hour}</hour>" for hour in range(24)) + "</skipHours>",
            Wishes(skip_hours=tuple(range(24))),
        ),
        ("<skipDays><day>Sunday</day><day>SATURDAY</day><day>sun</day></skipDays>", Wishes(skip_days=(5, 6))),
        ("<skipDays><day>Domingo</day></skipDays>", Wishes()),
        (
            "<skipDays><day>Monday</day></skipDays><skipHours><hour>4</hour></skipHours>",
            Wishes(skip_days=(0,), skip_hours=(4,)),
        ),
        ("<sy:updatePeriod>\n\thourly\t</sy:updatePeriod>", Wishes(period_s=3600)),
        (
            "<sy:updatePeriod>daily</sy:updatePeriod><sy:updateFrequency> 2 </sy:updateFrequency>",
            Wishes(period_s=43200),
        ),
        ("<sy:updatePeriod>yearly</sy:updatePeriod>", Wishes(period_s=7 * 86400)),
        ("<x:updatePeriod xmlns:x='s'>weekly</x:updatePeriod>", Wishes(period_s=7 * 86400)),
        ("<sy:updatePeriod>daily</sy:updatePeriod><sy:updateFrequency>0</sy:updateFrequency>", Wishes()),
        ("<sy:updatePeriod>daily</sy:updatePeriod><sy:updateFrequency>-3</sy:updateFrequency>", Wishes()),
        ("<sy:updatePeriod>fortnightly</sy:updatePeriod>", Wishes()),
        ("<sy:updateFrequency>2</sy:updateFrequency>", Wishes()),
        (
            "<sy:updatePeriod>daily</sy:updatePeriod><sy:updateBase>2000-01-01T06:00+02:00</sy:updateBase>",
            Wishes(period_s=86400, base_at=datetime(2000, 1, 1, 4, tzinfo=UTC)),
        ),
        (
            "<sy:updatePeriod>daily</sy:updatePeriod><sy:updateBase>2000-01-01T06:00</sy:updateBase>",
            Wishes(period_s=86400, base_at=datetime(2000, 1, 1, 6, tzinfo=UTC)),
        ),
        (
            "<sy:updatePeriod>daily</sy:updatePeriod><sy:updateBase>0001-01-01T00:00+14:00</sy:updateBase>",
            Wishes(period_s=86400),
        ),
        ("<sy:updateBase>2000-01-01T06:00Z</sy:updateBase>", Wishes()),
    ],
)
@pytest.mark.parametrize("where", ["head", "tail"])
def test_a_channel_says_when_to_look_again(said: str, wishes: Wishes, where: str) -> None:
    if where == "tail" and len(said) > 40_000:
        wishes = Wishes()
    assert wishes_of(rss(**{where: said})) == wishes


def test_what_an_item_says_is_not_the_channels_wish() -> None:
    assert wishes_of(rss()) == Wishes()
    assert wishes_of("<feed><entry><ttl>5</ttl></entry><entry><ttl>6</ttl></entry></feed>") == Wishes()


def test_a_channel_without_items_still_says_it() -> None:
    assert wishes_of("<rss><channel><ttl>60</ttl></channel></rss>") == Wishes(ttl_s=3600)


def test_an_rdf_channel_is_read_although_its_items_stand_beside_it() -> None:
    text = (
        f"<rdf:RDF {SY}><channel><sy:updatePeriod>daily</sy:updatePeriod><items><rdf:Seq/></items></channel>"
        "<item rdf:about='a'><title>T</title></item></rdf:RDF>"
    )
    assert wishes_of(text) == Wishes(period_s=86400)


def test_a_document_that_breaks_off_says_what_its_head_says() -> None:
    assert wishes_of(rss("<ttl>60</ttl>")[:-60]) == Wishes(ttl_s=3600)
    assert wishes_of("<rss><channel><ttl>60") == Wishes()


@pytest.mark.parametrize(
    "piece",
    [
        "<", "<ttl>", "<ttl ", "<ttl> ", "<!--", "<![CDATA[", "<!--x-->", "</item ", "<item ", "<a:", "<a", "</item>",
        "<hour>", "<skipHours>", "<skipHours><hour> ", "<sy:updatePeriod ", "<x:", "\n", "<sy:updateBase>2000",
    ],
)  # fmt: skip
def test_input_081_ten_megabytes_of_anything_are_looked_at_in_no_time(piece: str) -> None:
    text = "<rss><channel>" + piece * (10_000_000 // len(piece)) + "<ttl>60</ttl></channel></rss>"
    started = time.process_time()
    wishes_of(text)
    assert time.process_time() - started < 1.0
