"""Whether a text is a round-up: one that tells many things at once and must not glue their stories together."""

from __future__ import annotations

import re

_NAMED = re.compile(
    r"\b(?:week(?:ly)?|month|day|year) in review\b|\bround-?up\b|\bdigest\b|\bin brief\b|\bnews briefs?\b"
    r"|\bdaily deal\b|\bdeal net\b|\b(?:morning|evening|daily|weekly) (?:briefing|brief|news|update|recap)\b"
    r"|\btop \d* ?(?:stories|headlines)\b|\btop [\w\s]{0,40}rounds\b"
    r"|^(?:financings|series a|other news|news of the week)$"
    r"|周报|日报|早报|晚报|一周|本周要闻|要闻|汇总|盘点|速览|早餐|投向标|브리핑|주간|단신|まとめ"
    r"|resumen (?:semanal|diario)|wochenr(?:ü|ue)ckblick|revue de presse",
    re.IGNORECASE,
)
_AMOUNT = re.compile(r"[$€£¥]\s?\d[\d.,]*|\d[\d.,]*\s?(?:million|billion|mio|mrd|millones|万|亿|億|억)", re.IGNORECASE)
_PART = re.compile(r"[;；\n•▪●·]+|(?<=[.!?])\s+(?=[A-Z])|[。！？]")
_NAME = re.compile(
    r"[A-Z][\w&-]+(?:\s+[A-Z][\w&-]+)*|[\u3400-\u9fff]{2,8}(?:生物|医药|醫藥|制药|製藥|科技|医疗|集团|公司)"
)
MOST_READ = 6_000
MANY = 4


def is_roundup(title: str, text: str) -> bool:
    """By its name, or because four parts or more each tell an amount of a name that no other part tells."""
    if _NAMED.search(title[:300]):
        return True
    told: list[str] = []
    for part in _PART.split(text[:MOST_READ]):
        name = _NAME.search(part) if _AMOUNT.search(part) else None
        if name and name[0] not in told:
            told.append(name[0])
    if len(told) < MANY:
        return False
    head = f"{title} {text[:MOST_READ]}"
    return sum(head.count(name) == 1 for name in told) >= MANY
