"""An event's facts as words: a line, rows with labels, what other sources tell; leaves layout to each way out.

The parts of the line go by the facts that an event has, whatever rule told them.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from watcher.model import EventView, Fact, FactKind, Language
from watcher.wording.figures import amount, compact, full_amount, written_day
from watcher.wording.phrases import joined, number_of, say
from watcher.wording.text import one_line

_EN, _ZH = Language.ENGLISH, Language.CHINESE
_LABELS = {
    "amount": "金额", "asset": "产品", "assets": "产品", "date": "日期", "day": "日期", "exclusive": "独家",
    "investor": "投资方", "investors": "投资方", "licensee": "引进方", "licensor": "许可方", "milestones": "里程碑付款",
    "parties": "参与方", "party": "参与方", "place": "地点", "places": "地点", "projects": "项目数",
    "recipient": "获资方", "round": "轮次", "stage": "阶段", "territory": "地区", "total": "总金额",
    "upfront": "首付款",
}  # fmt: skip
"""Names of facts in Chinese; a fact of one's own rule keeps its English name."""
_TERMS = {
    "signed": "已签署", "exploring": "接洽中", "extended": "已续签", "ended": "已终止", "denied": "已否认",
    "closed": "已完成", "planned": "计划中", "rumoured": "传闻", "global": "全球", "globally": "全球",
    "worldwide": "全球", "greater china": "大中华区", "mainland china": "中国大陆", "seed": "种子轮",
    "ipo": "首次公开募股", "private placement": "私募配售", "grant": "资助", "loan": "贷款",
}  # fmt: skip
"""Words that stand for a fact's whole value, in Chinese."""
_ROUND = re.compile(r"(pre-)?series ([a-h])(\d?\+*)", re.IGNORECASE)


def label(name: str, language: Language = _EN) -> str:
    """What a fact is called: `Licensor`, 许可方."""
    if language is _ZH and name in _LABELS:
        return _LABELS[name]
    return one_line(name.replace("_", " ").replace("-", " "), 40).capitalize()


def term(words: str, language: Language = _EN) -> str:
    """A value that is one of our own words, such as a stage, in the reader's language; anything else as it is."""
    if language is _EN:
        return words
    if found := _ROUND.fullmatch(words):
        return f"{found[1] or ''}{found[2].upper()}{found[3]}轮"
    return _TERMS.get(words.casefold(), words)


def values(fact: Fact, language: Language = _EN) -> tuple[str, ...]:
    """The fact's values as clean one-line words; a flag is its own name."""
    if fact.kind is FactKind.MONEY:
        return (full_amount(fact, language),)
    if isinstance(fact.value, bool):
        name = label(fact.name, language).lower()
        return (name if fact.value else say("not", language, what=name),)
    raw = fact.value if isinstance(fact.value, tuple) else (fact.value,)
    words = (compact(one, 6, language) if isinstance(one, int | float) else one_line(str(one), 120) for one in raw)
    if fact.kind is FactKind.DATE:
        return tuple(written_day(word, language) for word in words if word)
    own = fact.kind is FactKind.TEXT and language is not _EN
    return tuple(term(word, language) if own else word for word in words if word)


def short_values(fact: Fact, language: Language = _EN) -> tuple[str, ...]:
    """As `values`, an amount in its own currency only."""
    return (amount(fact, language),) if fact.kind is FactKind.MONEY else values(fact, language)


def others(fact: Fact, language: Language = _EN) -> str:
    """What other sources tell of an amount or a day at the same time, else nothing: `other sources: 1.2bn USD`."""
    if not fact.others or fact.kind not in (FactKind.MONEY, FactKind.DATE):
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
    words = joined((words for one in told for words in short_values(one, language)), 3, language)
    return say("other_sources", language, values=words)


def _listed(fact: Fact | None, language: Language, most: int = 3, between: str = "") -> str:
    if fact is None:
        return ""
    words = values(fact, language)
    if len(words) == 1:
        return words[0]
    shown = (between or say("list_between", language)).join(words[:most])
    if len(words) <= most:
        return shown
    space = "" if language is _ZH else " "
    return shown + space + say("and_more", language, count=len(words) - most)


def _who(event: EventView, language: Language) -> str:
    """Who gives to whom, by the roles that the facts name; else the places, side by side."""
    giver, taker = (_listed(event.fact(name), language) for name in ("licensor", "licensee"))
    if giver or taker:
        return f"{giver} → {taker}" if giver and taker else giver or f"→ {taker}"
    receiver, givers = (
        _listed(event.fact("recipient"), language),
        _listed(event.fact("investors", "investor"), language),
    )
    if receiver or givers:
        return (
            f"{receiver} ← {givers}" if receiver and givers else receiver or say("from_givers", language, givers=givers)
        )
    return _listed(event.fact("places", "place"), language, 4, " ↔ ")


def _money(event: EventView, language: Language) -> str:
    fact = event.amount
    if fact is None:
        return ""
    words, beside = full_amount(fact, language), others(fact, language)
    return say("beside", language, first=words, second=beside) if beside else words


def _upfront(event: EventView, language: Language) -> str:
    fact = event.fact("upfront")
    return say("upfront_of", language, amount=full_amount(fact, language)) if fact and fact is not event.amount else ""


def _terms(event: EventView, language: Language) -> str:
    exclusive = event.fact("exclusive")
    words = "" if exclusive is None else say("exclusive" if exclusive.value else "non_exclusive", language)
    return say("list_between", language).join(filter(None, [words, _listed(event.fact("territory"), language)]))


def _projects(event: EventView, language: Language) -> str:
    words = _listed(event.fact("projects"), language, 2)
    return number_of("projects", int(words), language) if words.isascii() and words.isdigit() else words


def _fact(*names: str, most: int = 3) -> Callable[[EventView, Language], str]:
    return lambda event, language: _listed(event.fact(*names), language, most)


_LINE: tuple[tuple[Callable[[EventView, Language], str], tuple[str, ...]], ...] = (
    (_who, ("licensor", "licensee", "recipient", "investors", "investor", "places", "place")),
    (_fact("asset", "assets", most=2), ("asset", "assets")),
    (_fact("round"), ("round",)),
    (_money, ()),
    (_upfront, ("upfront",)),
    (_terms, ("exclusive", "territory")),
    (_fact("stage"), ("stage",)),
    (_fact("date", "day"), ("date", "day")),
    (_projects, ("projects",)),
)
"""The parts of a facts line in their order, and the names of the facts each part tells."""
_TOLD = frozenset(name for _, names in _LINE for name in names) | {"parties", "party"}


def facts_parts(event: EventView, language: Language = _EN) -> tuple[str, ...]:
    """The parts of the facts line. Facts of a rule of one's own that no part knows come last, by their values."""
    present = event.facts.keys()
    known = [part(event, language) for part, names in _LINE if not names or not present.isdisjoint(names)]
    own = [
        _listed(fact, language)
        for fact in event.facts.values()
        if fact.name not in _TOLD and fact is not event.amount and fact.value is not False
    ]
    return tuple(part for part in (*known, *own) if part)


def facts_line(event: EventView, language: Language = _EN) -> str:
    """An event's facts as one line: `Konoya → AstraZeneca · CMG901 · 1.2bn USD · exclusive, global`."""
    return " · ".join(facts_parts(event, language))


def fact_rows(event: EventView, language: Language = _EN) -> tuple[tuple[str, str], ...]:
    """Each fact as (label, words), in the order the rule declares."""
    rows = ((fact, _yes_no(fact, language) or _listed(fact, language, 6)) for fact in event.facts.values())
    told = ((label(fact.name, language), [words, others(fact, language)]) for fact, words in rows if words)
    between = say("between_changes", language)
    return tuple((name, between.join(filter(None, words))) for name, words in told)


def _yes_no(fact: Fact, language: Language) -> str:
    return say("yes" if fact.value else "no", language) if isinstance(fact.value, bool) else ""
