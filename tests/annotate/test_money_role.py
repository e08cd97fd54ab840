"""What amounts are for."""

from __future__ import annotations

from datetime import date

import pytest

from watcher.annotate.money import money
from watcher.annotate.sentences import sentences
from watcher.model import TextField

DAY = date(2025, 6, 20)


def roles(text: str) -> list[str]:
    found = sentences(text, TextField.TEXT, dated=DAY)
    return [one.role.value for one in money(text, TextField.TEXT, found, dated=DAY)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Vexa raised €12 million in a Series A, bringing total funding to €18m.", ["raised", "total_to_date"]),
        ("Merck will pay Innolark $45 million upfront and up to $1.2 billion in milestones.", ["upfront", "milestone"]),
        (
            "It gets $45m on signing, milestones of up to $300m and sales milestones of $900m.",
            ["upfront", "milestone", "milestone"],
        ),
        ("The licensing deal is worth as much as $2.6bn.", ["deal_total"]),
        ("Its first overseas licensing deal with the drug GR1803, totaling $712 million.", ["deal_total"]),
        (
            "It signed 21 projects with a total investment of 10 billion yuan, expecting to reach 11 billion yuan.",
            ["invested", "forecast"],
        ),
        ("The industry is targeting a breakthrough to reach 150 billion yuan.", ["target"]),
        ("Revenue was $3.2 billion and the net loss CHF 12 million.", ["revenue", "revenue"]),
        ("The market is worth $5 billion.", ["market_size"]),
        ("The regulator fined the firm £2.3 million.", ["fine"]),
        ("Kora is seeking to raise $20 million.", ["target"]),
        ("Helix closed a $60 million Series B that values the company at $400 million.", ["raised", "valuation"]),
        ("The university received a €4.2 million grant.", ["granted"]),
        ("Shares rose to $4.35.", ["price"]),
        ("Acme will acquire Beta for $3.4 billion.", ["price"]),
        ("The state committed 1.5 trillion won to bio clusters.", ["committed"]),
        ("GeneWorks raised ₹120 crore, its first round since it raised Rs 40 crore in 2022.", ["raised", "past_round"]),
        ("The sum includes the purchase of new shares for $100 million.", ["equity"]),
        ("Surge landed $26 million, Mablink €31 million for an antibody and Pheon $68 million.", ["raised"] * 3),
        ("Financings: Vaccitech Ltd. £20 million (US$27.3 million).", ["raised"] * 2),
        ("甬康生物完成近3亿元B+轮融资，累计融资超5亿元。", ["raised", "total_to_date"]),
        ("首付款8亿美元，里程碑款最高20亿美元，潜在总交易额84亿美元。", ["upfront", "milestone", "deal_total"]),
        ("預付款12億美元，總額最高185億美元。", ["upfront", "deal_total"]),
        ("园区签约42个项目，总投资356亿元，达产后年产值预计超600亿元。", ["invested", "forecast"]),
        ("公司实现营收23.5亿元，净利润1.8亿元。", ["revenue", "revenue"]),
        ("公司拟募资不超过15亿元。", ["target"]),
        ("预计到年底，全区签约项目达50个，投资额达110亿元。", ["forecast"]),
        ("预计2027年投产，总投资30亿元。", ["invested"]),
        ("公司在香港上市，募集资金净额32.5亿港元。", ["raised"]),
        ("Acme has the right to buy all shares of Zeta for €400 million.", ["price"]),
        ("Arbor Cell said to seek $100 mln in new round", ["target"]),
        ("The bank is lending Acme €22 million.", ["raised"]),
        ("该公司估值超过10亿美元。", ["valuation"]),
        ("对该公司罚款320万元。", ["fine"]),
        ("基金会资助该项目580万元。", ["granted"]),
        ("到2030年市场规模将达1500亿美元。", ["forecast"]),
        ("两年前，公司获得数千万元天使轮融资。", ["past_round"]),
        ("시리즈B로 250억원을 유치했다.", ["raised"]),
        ("第三者割当増資により約12億円を調達した。", ["raised"]),
        ("Zeta will pay Acme $85 million in cash for the right to develop and market the pill.", ["upfront"]),
        ("Acme might receive another $2.7 billion as work progresses.", ["milestone"]),
        ("Zeta took a round that puts the value of the company at $4.4 billion.", ["valuation"]),
        ("Acme is sounding out investors for about $60 million.", ["target"]),
        ("明年财政预算安排生物医药专项2.2亿元。", ["other"]),
        ("公司今天挂牌,净募约33.9亿港元。", ["raised"]),
    ],
)  # fmt: skip
def test_the_words_around_an_amount_tell_what_it_is_for(text: str, expected: list[str]) -> None:
    assert roles(text) == expected
