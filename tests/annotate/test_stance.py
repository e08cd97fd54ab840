"""How a clause stands to what it tells."""

from __future__ import annotations

from datetime import date

import pytest

from watcher.annotate.sentences import clauses, sentences, stance_at
from watcher.model import Stance, TextField

TEXT = TextField.TEXT
DAY = date(2025, 6, 20)


def stance_of(text: str, words: str, dated: date | None = DAY) -> Stance:
    return stance_at(clauses(text, TEXT, sentences(text, TEXT, dated=dated), dated=dated), TEXT, text.index(words))


@pytest.mark.parametrize(
    ("text", "words", "stance"),
    [
        ("Pune and Lyon signed a pact on Tuesday.", "signed", "asserted"),
        ("Ningbo and Nagoya intend to sign a pact in October.", "sign a", "planned"),
        ("Orbit licensed the drug to Bayer and plans to use the money for trials.", "licensed", "asserted"),
        ("Orbit licensed the drug to Bayer and plans to use the money for trials.", "use", "planned"),
        ("The firm is expected to license the drug.", "license", "expected"),
        ("Bayer is in talks to license the drug.", "license", "sought"),
        ("Orbit is seeking to raise $20 million.", "raise", "sought"),
        ("Bayer will license the drug, people familiar with the matter said.", "license", "rumoured"),
        ("Bayer denied that it had signed a licence.", "signed", "denied"),
        ("The two have not signed any agreement.", "agreement", "denied"),
        ("Financial terms of the licence were not disclosed.", "licence", "asserted"),
        ("Bayer and Orbit terminated their licence.", "licence", "ended"),
        ("Orbit regained the rights to the drug.", "rights", "ended"),
        ("Bayer may license the drug if the trial succeeds.", "license", "conditional"),
        ("Bayer licensed the drug in March 2019.", "licensed", "background"),
        ("In 2019 Bayer licensed the drug from Orbit.", "licensed", "background"),
        ("Orbit, which licensed the drug to Bayer in 2019, today granted Roche rights.", "licensed", "background"),
        ("Orbit, which licensed the drug to Bayer in 2019, today granted Roche rights.", "granted", "asserted"),
        ("Chicago Labs sold the rights that it had obtained from a university.", "sold", "asserted"),
        ("Roche said on Monday it had signed a licence with Orbit.", "signed", "asserted"),
        ("In May the two signed a pact.", "signed", "asserted"),
        ("大田市与大邱市签署合作备忘录，去年双方曾互访。", "签署", "asserted"),
        ("大田市与大邱市签署合作备忘录，去年双方曾互访。", "互访", "background"),
        ("两年前，公司获得天使轮融资。", "获得", "background"),
        ("公司计划与乙公司签署许可协议。", "签署", "planned"),
        ("公司否认与乙公司签署许可协议。", "签署", "denied"),
        ("雙方終止了許可協議。", "許可", "ended"),
        ("知情人士称，甲公司将收购乙公司。", "收购", "rumoured"),
        ("公司正洽谈海外授权。", "授权", "sought"),
        ("如果获批，公司将支付里程碑款。", "获批", "conditional"),
        ("市场规模预计将翻倍。", "翻倍", "expected"),
        ("El Ayuntamiento planea firmar un convenio.", "firmar", "planned"),
        ("両市は協定を締結する予定だ。", "締結", "planned"),
        ("두 도시는 협약을 해지했다.", "협약", "ended"),
    ],
)
def test_the_clause_around_a_word_has_the_stance_readers_give_it(text: str, words: str, stance: str) -> None:
    assert stance_of(text, words) is Stance(stance)


def test_without_an_item_date_the_newest_day_in_the_text_is_now() -> None:
    text = "Updated: 2024-07-30\nThe park and the hub signed an agreement on July 29. They first met in 2019."
    assert stance_of(text, "signed", None) is Stance.ASSERTED
    assert stance_of(text, "met", None) is Stance.BACKGROUND


def test_a_year_ahead_does_not_make_this_year_the_past() -> None:
    text = "Acme signed a licence in 2025. Sales will peak by 2035."
    assert stance_of(text, "signed", None) is Stance.ASSERTED


def test_a_sentence_is_asserted_when_its_main_clause_is() -> None:
    text = "Orbit licensed the drug to Bayer and plans to use the money for trials."
    assert [one.stance for one in sentences(text, TEXT, dated=DAY)] == [Stance.ASSERTED]
    assert [one.cue for one in clauses(text, TEXT, sentences(text, TEXT, dated=DAY), dated=DAY)] == ["", "plans to"]


@pytest.mark.parametrize(
    ("text", "words", "stance"),
    [
        ("预计到年底，全区签约项目达50个，投资额达110亿元。", "投资额", "expected"),
        ("力争到2028年，形成总规模500亿元的基金群。", "形成", "planned"),
        ("预计2027年投产，总投资30亿元。", "总投资", "asserted"),
        ("Acme said it would pay $80 million for the rights.", "pay", "asserted"),
        ("Acme would pay $80 million for the rights.", "pay", "conditional"),
        ("Half of the private money can be raised abroad.", "raised", "conditional"),
        ("All rights to the antibody revert to Acme.", "rights", "ended"),
        ("The company's 2015 seed round brought in $3 million.", "brought", "background"),
        ("公司在香港上市，募集资金净额32.5亿港元。", "募集", "asserted"),
    ],
)
def test_forecasts_reported_speech_and_returned_rights_colour_what_follows(text: str, words: str, stance: str) -> None:
    assert stance_of(text, words) is Stance(stance)
