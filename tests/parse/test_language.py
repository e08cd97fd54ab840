"""An item's language: said, denied by the script, or detected."""

from __future__ import annotations

import pytest

from watcher.parse.language import detect, language_of, primary

ENGLISH = "The company said on Monday that it had signed a licence agreement."
CHINESE = "公司周一表示，已就该候选药物签署独家许可协议，总金额达十二亿美元。"


@pytest.mark.parametrize(
    ("tag", "code"),
    [
        ("en-US", "en"), ("zh_CN", "zh"), ("ZH-Hans-CN", "zh"), ("eng", "en"), ("gsw", "gsw"), (" de ", "de"),
        ("und", None), ("", None), ("English", None), ("x", None),
    ],
)  # fmt: skip
def test_a_tag_has_its_primary_language(tag: str, code: str | None) -> None:
    assert primary(tag) == code


@pytest.mark.parametrize(
    ("said", "feed_said", "text", "code"),
    [
        ("fr", "en", ENGLISH, "fr"),
        ("", "en-GB", ENGLISH, "en"),
        ("", "", ENGLISH, "en"),
        ("", "", CHINESE, "zh"),
        ("en", "en-US", CHINESE, "zh"),
        ("zh", "", ENGLISH, "en"),
        ("", "ja", "日本のバイオ企業が新薬を発表しました。東京で開催。", "ja"),
        ("", "zh-cn", "BGI", "zh"),
        ("", "", "too short", None),
        ("", "", "", None),
    ],
)
def test_the_language_of_an_item(said: str, feed_said: str, text: str, code: str | None) -> None:
    assert language_of(said, feed_said, text) == code


def test_noise_has_no_language_and_breaks_nothing() -> None:
    assert detect("\ud800 lone surrogates and noise \x00 here") in (None, "en")
    assert detect("\n" * 500) is None
