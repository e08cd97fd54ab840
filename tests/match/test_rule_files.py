from pathlib import Path

import pytest
from rule_factories import rule_text, write_rules

from watcher.errors import Mistakes
from watcher.match.clauses import unicode_regex
from watcher.match.language import load_rules, rules_version

GOOD = """\
selections:
  a:
    any:
      - license agreement
condition: a
"""


def mistakes(folder: Path) -> list[str]:
    with pytest.raises(Mistakes) as caught:
        load_rules(folder)
    return [str(mistake).removeprefix(f"{folder}/") for mistake in caught.value.mistakes]


def test_all_mistakes_of_all_files_come_at_once_with_their_lines(tmp_path: Path) -> None:
    body = """\
    tags: [x]
    colour: red
    selections:
      a:
        within: paragraph
        any:
          - phrase: [license]
          - money: {role: upfrnt}
          - regex: "(?=x)"
          - list: nope
      b:
        all:
          - places: 0
    condition: a and c
    facts:
      who: {kind: party, kinds: [firm]}
    """
    folder = write_rules(
        tmp_path, one=rule_text(body), lists__verbs="words: [sign, sign]\n", two="id: two\nid: three\n"
    )
    assert mistakes(folder) == [
        "lists/verbs.yml:1: 'sign' stands twice in this list (keep one of them)",
        "one.yml:6: unknown key 'colour' (did you mean 'floor'?)",
        "one.yml:9: 'paragraph' is not one of clause, sentence, item (one of: clause, sentence, item)",
        "one.yml:11: unknown operator 'phrase' (one of: phrases, list, regex, near, money, places, parties, assets, "
        "dates, language, feed, tag, selection, likeness, any, all, none)",
        "one.yml:12: 'upfrnt' is not one of raised, invested, committed, granted, upfront, milestone, deal_total, "
        "equity, valuation, revenue, market_size, price, fine, forecast, target, past_round, total_to_date, other "
        "(did you mean 'upfront'?)",
        "one.yml:13: regex: invalid perl operator: (?= (RE2 syntax: no look-around, no back-references)",
        "one.yml:14: no word list 'nope' (lists: verbs)",
        "one.yml:17: a whole number from 1 to 50 is needed here, not 0",
        "one.yml:18: condition: no selection 'c' (selections: a, b)",
        "one.yml:20: 'firm' is no kind of party (one of: company, university, government, park, institute, "
        "fund, other)",
        "two.yml:2: key 'id' is written twice (first on line 1) (keep one of them)",
    ]


def test_a_selection_that_nothing_uses_is_a_mistake(tmp_path: Path) -> None:
    text = rule_text(GOOD.replace("condition", "  b: {any: [x]}\ncondition"))
    assert mistakes(write_rules(tmp_path, one=text)) == [
        "one.yml:9: selection 'b' is never used (name it in the condition or delete it)"
    ]


def test_a_rule_needs_an_example_of_each_kind(tmp_path: Path) -> None:
    text = rule_text(GOOD).replace("  - no_match: nothing\n", "")
    assert mistakes(write_rules(tmp_path, one=text)) == [
        "one.yml:10: every test matches (add at least one '- no_match: …')"
    ]


def test_two_rules_cannot_share_an_id(tmp_path: Path) -> None:
    folder = write_rules(tmp_path, one=rule_text(GOOD), two=rule_text(GOOD))
    assert mistakes(folder) == [f"two.yml:1: id 'example' is taken by {folder}/one.yml (choose another id)"]


def test_selections_cannot_go_in_circles(tmp_path: Path) -> None:
    body = """\
    selections:
      a: {any: [{selection: b}]}
      b: {any: [{selection: a}]}
    condition: a
    """
    assert mistakes(write_rules(tmp_path, one=rule_text(body))) == [
        "one.yml:6: selection 'a' refers to itself (break the circle)",
        "one.yml:7: selection 'b' refers to itself (break the circle)",
    ]


def test_an_exception_names_a_rule_that_exists(tmp_path: Path) -> None:
    exception = "exceptions:\n  - rule: other\n    reason: local\n    when: {any: [test]}\n"
    folder = write_rules(tmp_path, one=rule_text(GOOD), exceptions__local=exception)
    assert mistakes(folder) == ["exceptions/local.yml:2: exception to 'other', which is no rule here (one of: example)"]


def test_a_folder_without_rules_is_a_mistake(tmp_path: Path) -> None:
    assert mistakes(tmp_path) == [f"{tmp_path}: no rule files here (add a *.yml file)"]
    assert "no such folder" in mistakes(tmp_path / "absent")[0]


def test_the_version_changes_with_any_file(tmp_path: Path) -> None:
    folder = write_rules(tmp_path, one=rule_text(GOOD), lists__verbs="words: [sign]\n")
    before = load_rules(folder).version
    assert rules_version(folder) == before
    write_rules(tmp_path, lists__verbs="words: [ink]\n")
    assert rules_version(folder) != before


@pytest.mark.parametrize(
    ("written", "pattern", "open_word", "close_word"),
    [
        (r"\bGR\d+\b", r"GR[\p{Nd}]+", True, True),
        (r"[\w-]+", r"[\p{L}\p{M}\p{N}_-]+", False, False),
        (r"\Wx", r"[^\p{L}\p{M}\p{N}_]x", False, False),
        (r"\ba|b\b", "(?:a|b)", True, True),
        (r"\$5", r"\$5", False, False),
    ],
)
def test_regexes_know_unicode(written: str, pattern: str, open_word: bool, close_word: bool) -> None:
    assert unicode_regex(written) == (pattern, open_word, close_word)


@pytest.mark.parametrize("written", [r"a\bb", r"\ba|b", r"[\W]"])
def test_what_re2_would_read_otherwise_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        unicode_regex(written)


@pytest.mark.parametrize(
    ("clause", "mistake"),
    [
        ("money: {currency: [USD, RMB]}", "no currency 'RMB', so it can never match (write CNY)"),
        ("money: {currency: XQZ}", "no currency 'XQZ', so it can never match (a code, as USD or CNY)"),
        ("money: {currency: []}", "an empty list of currency, which can never match"),
        ("money: {role: []}", "an empty list of role, which can never match"),
        ("places: {country: UK}", "no country 'UK', so it can never match (write GB)"),
        ("places: {country: China}", "no country 'China', so it can never match (write CN)"),
        ("places: {name: []}", "an empty list of name, which can never match"),
        ("language: [en, chinese]", "no language 'chinese', so it can never match (write zh)"),
        ("language: jp", "no language 'jp', so it can never match (write ja)"),
        ("language: qq", "no language 'qq', so it can never match (a code, as en or zh)"),
        ("language: []", "an empty list of language, which can never match"),
        ("feed: []", "an empty list of feed, which can never match"),
        ("phrases: []", "an empty list of phrases, which can never match"),
        ("list: []", "an empty list of word lists, which can never match"),
    ],
)
def test_what_can_never_match_is_refused_with_what_to_write(tmp_path: Path, clause: str, mistake: str) -> None:
    text = rule_text(f"selections:\n  a:\n    all:\n      - word\n      - {clause}\ncondition: a\n")
    (found,) = mistakes(write_rules(tmp_path, one=text))
    assert found.startswith(f"one.yml:9: {mistake}")


@pytest.mark.parametrize(
    "clause",
    ["money: {currency: [usd, CNY]}", "places: {country: [cn, XK, TW]}", "language: [zh-Hant, en_GB, yue, ja]"],
)
def test_codes_are_taken_in_any_case(tmp_path: Path, clause: str) -> None:
    text = rule_text(f"selections:\n  a:\n    all:\n      - word\n      - {clause}\ncondition: a\n")
    assert load_rules(write_rules(tmp_path, one=text)).rules


def test_empty_lists_of_facts_and_word_lists_are_refused(tmp_path: Path) -> None:
    body = """\
    selections: {a: {any: [word]}}
    condition: a
    frames: []
    facts:
      stage: {kind: text, values: {signed: []}}
      who: {kind: party, kinds: []}
    """
    lists = "words:\n  en: [sign]\n  zh: []\n"
    assert mistakes(write_rules(tmp_path, one=rule_text(body), lists__verbs=lists)) == [
        "lists/verbs.yml:3: an empty group of words, which can never match (add words or delete the line)",
        "one.yml:7: an empty list of phrases, which can never match (write one at least, or delete the line)",
        "one.yml:9: an empty list of phrases, which can never match (write one at least, or delete the line)",
        "one.yml:10: an empty list of kinds, which can never match (write one at least, or delete the line)",
    ]
