"""A database as after some months: feeds, items, events with their facts and evidence, messages and their attempts.

Rows are written in bulk, in the order of time, English and Chinese mixed; every deal is another one. What is not made
here is what the line leaves behind only for moments: leases, backlogs.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import Table

from watcher import wire
from watcher.model import (
    Bound,
    Change,
    ChangeWhy,
    ChannelConfig,
    ChannelKind,
    Fact,
    FactKind,
    Schedule,
    Snippet,
    SubscriptionConfig,
    TextField,
    When,
)
from watcher.pipeline.rule_names import RuleName
from watcher.store import event_search, overview, schema
from watcher.store.database import Database

_CHUNK = 2000
_SYLLABLES = "ba ko ri ten mar lus vo dan per shi go nel ta fur wen os il cra mon dy sa qui lo zen bre".split()
_HAN = "康华瑞百济信达恒诺复星君实药明泽璟荣昌和黄迈威科兴智飞博雅天境加科思亚盛基石贝达海正"
_TOWNS = (
    ("Chongqing", "重庆"), ("Shanghai", "上海"), ("Suzhou", "苏州"), ("Beijing", "北京"), ("Shenzhen", "深圳"),
    ("Chengdu", "成都"), ("Seoul", "首尔"), ("Osaka", "大阪"), ("Basel", "巴塞尔"), ("Boston", "波士顿"),
    ("Lyon", "里昂"), ("Munich", "慕尼黑"), ("Singapore", "新加坡"), ("San Diego", "圣迭戈"),
)  # fmt: skip
_ILLS = (("psoriasis", "银屑病"), ("gastric cancer", "胃癌"), ("lupus", "红斑狼疮"), ("obesity", "肥胖症"))
_STAGES = ("signed", "exploring", "extended", "ended", "planned")
RULES = ("licensing-deal", "funding", "city-partnership", "park-projects", "trial-readout", "on-trial")


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How many rows are made."""

    items: int = 100_000
    events: int = 20_000
    feeds: int = 2_000
    deliveries: int = 50_000
    subscriptions: int = 300
    channels: int = 40


@dataclass(frozen=True, slots=True)
class _Deal:
    """One invented piece of news in one of two languages, with the words its facts stand on."""

    rule: str
    chinese: bool
    title: str
    text: str
    facts: tuple[Fact, ...]
    snippet: Snippet


class _Inventor:
    """Deals, one after another, each another one."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)

    def name(self) -> str:
        return "".join(self.chance.choices(_SYLLABLES, k=self.chance.randint(2, 4))).title()

    def han(self) -> str:
        return "".join(self.chance.sample(_HAN, 2))

    def deal(self) -> _Deal:
        chance = self.chance
        chinese = chance.random() < 0.4
        rule = chance.choices(RULES, weights=(20, 40, 15, 10, 10, 5))[0]
        town, second = chance.sample(_TOWNS, 2)
        size = round(10 ** chance.uniform(0.3, 3.3), 1)
        maker = f"{self.han()}生物" if chinese else f"{self.name()} {chance.choice(('Bio', 'Therapeutics', 'Pharma'))}"
        backer = f"{self.han()}资本" if chinese else f"{self.name()} {chance.choice(('Capital', 'Ventures'))}"
        code = f"{self.name()[:2].upper()}{chance.randint(100, 9999)}"
        ill = chance.choice(_ILLS)[chinese]
        write = self._chinese if chinese else self._english
        title, key, more = write(maker, backer, town[chinese], second[chinese], size, code, ill)
        filler = _FILLER_ZH if chinese else _FILLER_EN
        others = [
            chance.choice(filler).format(code=code, n=chance.randint(2, 900)) for _ in range(chance.randint(2, 9))
        ]
        text = "\n".join([more, key, *others])
        facts = self._facts(rule, maker, backer, town, second, size, code, text, key)
        marks = tuple((key.index(word), key.index(word) + len(word)) for word in (maker, backer) if word in key)
        return _Deal(rule, chinese, title, text, facts, Snippet(text=key, marks=marks))

    def _english(self, maker: str, backer: str, town: str, second: str, size: float, code: str, ill: str) -> Any:
        titles = (
            f"{maker} raises ${size:g} million led by {backer} to treat {ill}",
            f"{maker} licenses {code} to {backer} for up to ${size:g} million",
            f"{town} and {second} to cooperate on biotechnology, with {maker} among the first",
        )
        key = f"{maker} and {backer} signed an agreement over {code} worth ${size:g} million, the companies said."
        return self.chance.choice(titles), key, f"{town} – The {ill} specialist {maker} announced it on Monday."

    def _chinese(self, maker: str, backer: str, town: str, second: str, size: float, code: str, ill: str) -> Any:
        titles = (
            f"{maker}完成{size:g}亿元融资，{backer}领投",
            f"{maker}将{code}授权给{backer}，总额{size:g}亿元",
            f"{town}与{second}签署生物医药合作协议，{maker}率先落户",
        )
        key = f"{maker}与{backer}就{code}签署协议，总金额{size:g}亿元。"
        return self.chance.choice(titles), key, f"{town}讯：专注{ill}的{maker}周一宣布了这一消息。"

    def _facts(
        self, rule: str, maker: str, backer: str, town: Any, second: Any, size: float, code: str, text: str, key: str
    ) -> tuple[Fact, ...]:
        def at(words: str) -> Any:
            start = text.find(words)
            return None if start < 0 else {"field": TextField.TEXT, "start": start, "end": start + len(words)}

        def fact(name: str, kind: FactKind, value: Any, words: str = "", **rest: Any) -> Fact:
            span = at(words) if words else None
            return wire.load(Fact, {"name": name, "kind": kind, "value": value, "text": words, "span": span} | rest)

        usd = size * (1e6 if "$" in key else 1.4e7)
        money: dict[str, Any] = {"currency": "USD" if "$" in key else "CNY", "usd": usd, "bound": Bound.AT_MOST}
        amount = fact("amount", FactKind.MONEY, size * (1e6 if "$" in key else 1e8), **money)
        places = fact("places", FactKind.PLACE, [town[0], second[0]], town[1] if town[1] in text else "")
        stage = fact("stage", FactKind.TEXT, self.chance.choice(_STAGES))
        if rule == "city-partnership":
            return (places, stage)
        roles = ("licensor", "licensee") if rule == "licensing-deal" else ("recipient", "investors")
        parties = (fact(roles[0], FactKind.PARTY, maker, maker), fact(roles[1], FactKind.PARTY, backer, backer))
        known = (amount,) if self.chance.random() < 0.8 else ()
        return (*parties, fact("asset", FactKind.ASSET, code, code), *known, places, stage)


_FILLER_EN = (
    "The companies plan to enrol {n} patients in a first trial of {code} next year.",
    "Analysts at three banks had expected an announcement of the kind since the autumn meeting in Chicago.",
    "Existing investors took part as well; the board of {code}'s maker will be widened by two seats.",
    "In animals it had lowered the marker by {n} per cent, without effects that would have ended the study.",
    "The site employs {n} people, most of them in research, and is to grow over the coming two years.",
)
_FILLER_ZH = (
    "公司计划明年启动{code}的首次临床试验，预计入组{n}名患者。",
    "业内人士表示，今年以来类似交易明显增多，监管部门也给予了积极支持。",
    "此前公布的动物实验数据显示，相关指标下降了百分之{n}，安全性良好。",
    "园区目前已有{n}家企业入驻，涵盖研发、生产和检测等环节。",
)


def fill(database: Database, size: Size, *, now: datetime, seed: int = 7) -> None:
    """Make the rows; `now` is the end of the time that they tell of, a hundred days long."""
    months = _Months(size, now, seed)
    for table, rows in months.tables():
        _insert(database, table, rows)
    with database.write() as conn:
        names = [RuleName(id=one, title=one.replace("-", " ").capitalize(), trial=one == "on-trial") for one in RULES]
        overview.remember(conn, "rule_names", [wire.dump(one) for one in names])
        event_search.index_all(conn)
    if database.dialect == "postgresql":
        _restart_numbers(database)
    with database.write() as conn:
        conn.exec_driver_sql("ANALYZE")


def _restart_numbers(database: Database) -> None:
    """Let new rows be numbered after those whose ids were given."""
    numbered = [
        table.name for table in schema.metadata.sorted_tables if "id" in table.c and table.c.id.type.python_type is int
    ]
    with database.write() as conn:
        for name in numbered:
            last = f"(SELECT coalesce(max(id), 0) + 1 FROM {name})"
            conn.exec_driver_sql(f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), {last}, false)")


def _insert(database: Database, table: Table, rows: Iterator[dict[str, Any]]) -> None:
    while chunk := list(islice(rows, _CHUNK)):
        with database.write() as conn:
            conn.execute(table.insert(), chunk)


class _Months:
    """The rows of every table, each made from its number."""

    def __init__(self, size: Size, now: datetime, seed: int) -> None:
        self.size, self.now = size, now
        inventor = _Inventor(seed)
        self.chance = inventor.chance
        self.deals = [inventor.deal() for _ in range(size.events)]
        self.loose = [inventor.deal() for _ in range(min(2000, size.items))]
        self.per_digest = max(1, size.deliveries // max(1, size.deliveries // 2))

    def at(self, number: int, of: int) -> datetime:
        """When the row of that number was made: evenly over the time."""
        return self.now - timedelta(days=100) * (1 - (number + 1) / (of + 1))

    def tables(self) -> Sequence[tuple[Table, Iterator[dict[str, Any]]]]:
        return (
            (schema.feeds, map(self.feed, range(self.size.feeds))),
            (schema.stories, map(self.story, range(self.size.events))),
            (schema.items, map(self.item, range(self.size.items))),
            (schema.events, map(self.event, range(self.size.events))),
            (schema.event_sources, self.sources()),
            (schema.matches, self.matches()),
            (schema.revisions, self.revisions()),
            (schema.verdicts, self.verdicts()),
            (schema.channels, map(self.channel, range(self.size.channels))),
            (schema.subscriptions, map(self.subscription, range(self.size.subscriptions))),
            (schema.digests, map(self.digest, range(self.digests))),
            (schema.alerts, self.alerts()),
            (schema.deliveries, map(self.delivery, range(self.size.deliveries))),
            (schema.attempts, map(self.attempt, range(self.size.deliveries))),
            (schema.audit, map(self.audit, range(self.size.feeds))),
            (schema.canaries, map(self.canary, range(500))),
        )

    @property
    def digests(self) -> int:
        return self.size.deliveries // 2

    def item_of(self, event: int) -> int:
        """The number of the first item that tells the event: every fifth item tells one."""
        return event * (self.size.items // self.size.events)

    def feed(self, number: int) -> dict[str, Any]:
        chinese = number % 5 < 2
        failing = number % 40 == 7
        healthy = {"health": "healthy", "health_reason": None, "last_outcome": "new", "last_error": None}
        ill = {"health": "failing", "health_reason": "answers 503", "last_outcome": "http_503", "last_error": "503"}
        return {
            "id": number + 1,
            "url": f"https://news-{number}.example/feed.xml",
            "asked_url": f"https://news-{number}.example/feed.xml",
            "title": f"{_TOWNS[number % 14][chinese]}{'生物医药报' if chinese else ' Biotech Daily'} {number}",
            "language": "zh" if chinese else "en",
            "tags": ["biotech", "china" if chinese else "world"],
            "alert_history": "none",
            "headers": {},
            "origin": "file",
            "created_at": self.now - timedelta(days=100),
            "first_fetched_at": self.now - timedelta(days=100),
            "last_polled_at": self.now - timedelta(seconds=number % 900),
            "last_status": 503 if failing else 200,
            "error_count": 4 if failing else 0,
            "failing_since": self.now - timedelta(days=number % 9) if failing else None,
            "next_poll_at": self.now + timedelta(seconds=900 - number % 900),
            "next_poll_reason": "habit",
            "habit_s": 900.0 + number,
            "newest_item_at": self.now - timedelta(minutes=number),
            **(ill if failing else healthy),
        }

    def story(self, number: int) -> dict[str, Any]:
        at = self.at(number, self.size.events)
        closed = at + timedelta(days=7) if number < self.size.events * 0.9 else None
        title = self.deals[number].title
        return {"id": number + 1, "key": f"s{number}", "title": title, "created_at": at, "closed_at": closed}

    def item(self, number: int) -> dict[str, Any]:
        step = self.size.items // self.size.events
        event, place = divmod(number, step)
        tells = place == 0 or (place == 1 and event % 2 == 0)
        in_story = tells or place == 2
        deal = self.deals[event] if event < len(self.deals) and in_story else self.loose[number % len(self.loose)]
        in_story = in_story and event < len(self.deals)
        at = self.at(number, self.size.items)
        return {
            "id": number + 1,
            "feed_id": number * 7919 % self.size.feeds + 1,
            "identity": f"i{number}",
            "alias": f"a{number}",
            "link": f"https://news-{number % self.size.feeds}.example/{number}",
            "title": deal.title if place != 1 else f"{deal.title} ({number})",
            "summary": "",
            "text": deal.text,
            "language": "zh" if deal.chinese else "en",
            "categories": [],
            "published_at": at - timedelta(minutes=number % 50),
            "first_seen_at": at,
            "content_hash": f"{number:064d}",
            "history": False,
            "story_id": event + 1 if in_story else None,
            "story_reason": "the same deal" if in_story and place else None,
            "classified_at": at,
            "classified_with": "v1",
            "next_classify_at": at,
        }

    def event(self, number: int) -> dict[str, Any]:
        deal, at = self.deals[number], self.at(number, self.size.events)
        amount = next((one for one in deal.facts if one.kind is FactKind.MONEY), None)
        revised = number % 10 == 0
        stage = str(deal.facts[-1].value)
        item = self.item_of(number) + 1
        return {
            "id": number + 1,
            "story_id": number + 1,
            "rule_id": deal.rule,
            "rule_title": deal.rule.replace("-", " ").capitalize(),
            "level": ("low", "medium", "high")[number % 3],
            "status": "experimental" if deal.rule == "on-trial" else "stable",
            "revision": 2 if revised else 1,
            "title": deal.title,
            "facts": [wire.dump(one) | {"item_id": item} for one in deal.facts],
            "snippets": [wire.dump(deal.snippet)],
            "amount_usd": amount.usd if amount else None,
            "stage": stage,
            "history": False,
            "created_at": at,
            "updated_at": at + timedelta(hours=5 if revised else 0),
            "alerted_revision": 2 if revised else 1,
            "rules_version": "v1",
        }

    def sources(self) -> Iterator[dict[str, Any]]:
        for number in range(self.size.events):
            at, first = self.at(number, self.size.events), self.item_of(number) + 1
            yield {"event_id": number + 1, "item_id": first, "added_at": at}
            if number % 2 == 0:
                yield {"event_id": number + 1, "item_id": first + 1, "added_at": at}

    def matches(self) -> Iterator[dict[str, Any]]:
        for row in self.sources():
            deal = self.deals[row["event_id"] - 1]
            facts = [wire.dump(one) for one in deal.facts]
            start = deal.text.index(deal.snippet.text)
            span = {"field": "text", "start": start, "end": start + len(deal.snippet.text)}
            body = {"facts": facts, "evidence": [{"clause": "deal", "span": span, "text": deal.snippet.text}]}
            told = {"rule_id": deal.rule, "rules_version": "v1", "body": body, "created_at": row["added_at"]}
            yield {"item_id": row["item_id"], **told}

    def revisions(self) -> Iterator[dict[str, Any]]:
        change = wire.dump(Change(fact="stage", before="exploring", after="signed", why=ChangeWhy.MOVED_ON))
        for number in range(0, self.size.events, 10):
            at, item = self.at(number, self.size.events) + timedelta(hours=5), self.item_of(number) + 1
            yield {"event_id": number + 1, "revision": 2, "item_id": item, "changed": [change], "created_at": at}

    def verdicts(self) -> Iterator[dict[str, Any]]:
        for number in range(0, self.size.events, 6):
            word = self.chance.choices(("useful", "not_useful", "wrong_facts"), weights=(7, 2, 1))[0]
            rule, at = self.deals[number].rule, self.at(number, self.size.events)
            told = {"rule_id": rule, "rules_version": "v1", "verdict": word, "note": "", "created_at": at}
            yield {"event_id": number + 1, "who": f"reader:s{number % 300}", **told}

    def channel(self, number: int) -> dict[str, Any]:
        config = ChannelConfig(id=f"c{number}", kind=ChannelKind.WEBHOOK, url=f"https://hook-{number}.example/")
        return {"id": config.id, "config": wire.dump(config), "origin": "file", "failures": 0, "worked_at": self.now}

    def subscription(self, number: int) -> dict[str, Any]:
        when = (When.IMMEDIATE, When.DAILY, When.HOURLY)[number % 3]
        config = SubscriptionConfig(
            id=f"s{number}",
            title=f"Desk {number}",
            channels=(f"c{number % self.size.channels}",),
            schedule=Schedule(when=when, zone="Asia/Shanghai"),
        )
        return {"id": config.id, "config": wire.dump(config), "origin": "file", "created_at": self.now}

    def digest(self, number: int) -> dict[str, Any]:
        at = self.at(number, self.digests)
        return {
            "id": number + 1,
            "key": f"dg_{number:06d}",
            "subscription_id": f"s{number % self.size.subscriptions}",
            "window": f"w{number}",
            "closes_at": at,
            "immediate": number % 3 == 0,
            "created_at": at,
            "closed_at": at + timedelta(seconds=1),
        }

    def alerts(self) -> Iterator[dict[str, Any]]:
        for number in range(self.digests):
            for more in range(1 if number % 3 == 0 else 3):
                event = (number * self.size.events // self.digests + more * 7) % self.size.events + 1
                yield {
                    "subscription_id": f"s{number % self.size.subscriptions}",
                    "event_id": event,
                    "revision": 1,
                    "reason": f"rule {self.deals[event - 1].rule}",
                    "digest_id": number + 1,
                    "created_at": self.at(number, self.digests),
                }

    def delivery(self, number: int) -> dict[str, Any]:
        state, reason = _STATES[0] if number % 50 else _STATES[1 + number // 50 % 3]
        digest, part = divmod(number, 2)
        at = self.at(number, self.size.deliveries)
        sent = state == "sent"
        return {
            "id": number + 1,
            "key": f"dl_{number:08d}",
            "digest_id": digest + 1,
            "channel_id": f"c{(digest + part) % self.size.channels}",
            "state": state,
            "reason": reason,
            "message_id": f"m{number}@watch.example",
            "content_type": "application/json",
            "body": (_BODY % number) * 6,
            "created_at": at,
            "first_attempt_at": at,
            "next_attempt_at": self.now + timedelta(hours=1) if state == "pending" else None,
            "finished_at": at + timedelta(seconds=2) if sent or state == "parked" else None,
            "attempt": 1,
        }

    def attempt(self, number: int) -> dict[str, Any]:
        state, reason = _STATES[0] if number % 50 else _STATES[1 + number // 50 % 3]
        at = self.at(number, self.size.deliveries)
        outcome = {"sent": "sent", "parked": "rejected"}.get(state, "retry")
        answered = {
            "finished_at": at + timedelta(seconds=1),
            "outcome": outcome,
            "reason": reason,
            "detail": "its words",
        }
        return {"delivery_id": number + 1, "number": 1, "started_at": at, **answered}

    def audit(self, number: int) -> dict[str, Any]:
        at = self.at(number, self.size.feeds)
        done = {"action": "events.judge", "target": f"event {number}", "detail": {"verdict": "useful"}}
        return {"at": at, "who": "admin", "client": "127.0.0.1", **done}

    def canary(self, number: int) -> dict[str, Any]:
        at = self.now - timedelta(minutes=5 * (500 - number))
        steps = dict.fromkeys(("stored_at", "event_at", "alert_at"), at)
        return {"started_at": at, **steps, "arrived_at": at + timedelta(seconds=4)}


_STATES = (("sent", "http_200"), ("pending", "http_503"), ("parked", "http_404"), ("withheld", "muted"))
_BODY = b'{"type": "digest", "number": %d, "events": [{"title": "An event with its facts and links", "facts": []}]}'
