"""Assets: codes, names by their stems, classes and platforms; not dates, tickers, viruses or targets alone."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watcher.annotate.assets import assets
from watcher.model import AssetKind, TextField


def found(text: str) -> list[tuple[str, str]]:
    return [(a.text, a.kind.value) for a in assets(text, TextField.TEXT)]


@pytest.mark.parametrize(
    "code",
    [
        "CMG901",
        "GR1803",
        "IBI363",
        "M701",
        "ND-L02-s0201",
        "HS-10535",
        "SYH2082",
        "BL-B01D1",
        "2MW7141",
        "XH-S004",
        "MK-2870",
        "BC001",
        "CT-388",
    ],
)
@pytest.mark.parametrize("frame", ["The firm licensed {} to a partner.", "公司授权{}的权利。", "({}), in trials"])
def test_laboratory_codes_are_found_in_english_and_chinese(code: str, frame: str) -> None:
    assert found(frame.format(code)) == [(code, "code")]


@pytest.mark.parametrize(
    "text",
    [
        "COVID-19, H1N1 and SARS-CoV-2 spread in Q3 2024 and FY2023.",
        "CD19, PD-1, IL-23 and HER2 under GMP in Phase 3.",
        "Shares (03692) and 01093.HK and 600276.SH closed at HK$56.",
        "The A320 took the M25 at 10:30; see NCT01234567 and ISO9001.",
        "股票代码688235,2024年H股上市,12月18日。",
        "They accept the concept except in April.",
        "See https://example.org/AB-1234/page for more.",
    ],
)
def test_what_only_looks_like_a_code_or_a_drug_is_left_alone(text: str) -> None:
    assert found(text) == []


@pytest.mark.parametrize(
    "name", ["brazikumab", "roxadustat", "cabozantinib", "semaglutide", "Pembrolizumab", "petrelintide", "abemaciclib"]
)
def test_international_names_are_told_by_their_stems(name: str) -> None:
    assert found(f"It sold {name} there.") == [(name, "inn")]


@pytest.mark.parametrize("name", ["特瑞普利单抗", "信迪利单抗", "奥雷巴替尼", "泰它西普", "司美格鲁肽", "信迪利單抗"])
def test_chinese_names_are_told_by_their_stems(name: str) -> None:
    assert found(f"公司将{name}授权给对方") == [(name, "inn")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("an anti-PD-1 antibody", [("anti-PD-1 antibody", "class")]),
        ("its CAR-T therapy", [("CAR-T therapy", "class")]),
        ("endothelin B agonists as treatments", [("endothelin B agonists", "class")]),
        ("the antibody-drug conjugate", [("antibody-drug conjugate", "class")]),
        ("口服小分子GLP-1受體激動劑", [("小分子GLP-1受體激動劑", "class")]),
        ("雙抗藥物", [("雙抗藥物", "class")]),
        ("PD-1/VEGF双抗AK112", [("PD-1/VEGF双抗", "class"), ("AK112", "code")]),
        ("the LentiVector platform", [("LentiVector platform", "platform")]),
        ("using its TPS2 platform", [("TPS2 platform", "platform")]),
        ("rights to Lynparza and sales of Benlysta rose", [("Lynparza", "inn"), ("Benlysta", "inn")]),
        ("developing AstraZeneca's Lynparza together", [("Lynparza", "inn")]),
        ("DB-1303/BNT323 entered trials", [("DB-1303", "code"), ("BNT323", "code")]),
    ],
)
def test_classes_platforms_and_brands(text: str, expected: list[tuple[str, str]]) -> None:
    assert found(text) == expected


def test_rights_to_a_company_or_a_place_name_no_asset() -> None:
    assert found("It sold the rights to Takeda and the licence to Spain.") == []


def test_the_canonical_name_is_folded_and_the_span_is_not() -> None:
    (asset,) = assets("獲得ＣＭＧ９０１雙抗", TextField.TEXT)[-1:]
    assert (asset.text, asset.name, asset.kind) == ("雙抗", "双抗", AssetKind.CLASS)


PIECES = st.sampled_from(
    ["AB-", "123", "mab", "anti-", "PD-1", " platform", "单抗", "双", "(", "receptor ", "\n", "𝕏", "A"]
)


@given(st.one_of(st.text(max_size=300), st.lists(PIECES, max_size=40).map("".join)))
@settings(max_examples=150, deadline=None)
def test_any_text_gives_ordered_spans_that_slice_back(text: str) -> None:
    last = 0
    for asset in assets(text, TextField.TEXT):
        assert last <= asset.start < asset.end <= len(text)
        assert text[asset.start : asset.end] == asset.text
        last = asset.end


@pytest.mark.parametrize("piece", ["A1", "AB-12", "mab", "单抗", "anti-PD-1 ", "PD-1/", "a", "1", "X platform "])
def test_a_megabyte_of_one_piece_takes_bounded_time(piece: str) -> None:
    began = time.process_time()
    assets(piece * (1_000_000 // len(piece)), TextField.TEXT)
    assert time.process_time() - began < 30
