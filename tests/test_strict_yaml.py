import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watcher import strict_yaml
from watcher.errors import Mistakes


def mistakes(text: str) -> list[tuple[int, str]]:
    with pytest.raises(Mistakes) as caught:
        strict_yaml.load("f.yml", text)
    return [(mistake.line, mistake.message) for mistake in caught.value.mistakes]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("no", "no"),
        ("on", "on"),
        ("Yes", "Yes"),
        ("12:30", "12:30"),
        ("1_000", "1_000"),
        ("2024-07-29", "2024-07-29"),
        ("0o17", 15),
        ("0x1F", 31),
        ("007", 7),
        ("-12", -12),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("1.", 1.0),
        ("true", True),
        ("FALSE", False),
        ("~", None),
        ("Null", None),
        ("", None),
        ("'12'", "12"),
        ('"null"', "null"),
        ("10M USD", "10M USD"),
        ("重庆", "重庆"),
    ],
)
def test_scalars_follow_the_core_schema_of_yaml_1_2(written: str, meant: Any) -> None:
    value = strict_yaml.load("f.yml", f"a: {written}").value["a"]
    assert value == meant
    assert type(value) is type(meant)


def test_every_key_and_element_knows_its_line_and_column() -> None:
    document = strict_yaml.load("f.yml", "# head\na: 1\nb:\n  - x\n  - c: 2\n    d: [3, 4]\n")
    assert document.value == {"a": 1, "b": ["x", {"c": 2, "d": [3, 4]}]}
    assert document.line(("a",)) == (2, 1)
    assert document.line(("b", 0)) == (4, 5)
    assert document.line(("b", 1, "d")) == (6, 5)
    assert document.line(("b", 1, "d", 1)) == (6, 12)
    assert document.line(("b", 1, "absent", 7)) == (5, 5)


def test_all_mistakes_come_at_once_in_order() -> None:
    text = "a: 1\na: 2\nb: &x 1\nc: *x\nd: !!str 3\n<<: {e: 1}\n5: f\n"
    assert mistakes(text) == [
        (2, "key 'a' is written twice (first on line 1)"),
        (3, "anchor &x is not allowed"),
        (4, "alias *x is not allowed"),
        (5, "tag tag:yaml.org,2002:str is not allowed"),
        (6, "merge key << is not allowed"),
        (7, "key 5 is not a string"),
    ]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("---\na: 1\n---\nb: 2", 3, "a second document begins here"),
        ("a: 99999999999999999999", 1, "a number of more than 18 digits"),
        ("a: 1e999", 1, "1e999 is too large a number"),
        ("a: .nan", 1, ".nan is not a number that can be used"),
        ("? [1, 2]\n: x", 1, "a key must be a word, not a list or a mapping"),
        ("a: é\nb: \x01", 2, "character U+0001 is not allowed"),
        ("a: 1\nb: \ud800", 2, "half of a surrogate pair, no character"),
        ("%TAG ! tag:x,2000:\n---\na: 1", 1, "%TAG is not allowed"),
        ("[" * 100_000, 1, "nested more than 20 levels deep"),
        ("*x", 1, "alias *x is not allowed"),
        ("? *x\n: 1", 1, "alias *x is not allowed"),
        ("a" * 300_000, 0, "300000 bytes are more than 262144"),
    ],
)
def test_what_could_surprise_is_refused(text: str, line: int, message: str) -> None:
    assert (line, message) in mistakes(text)


def test_a_broken_line_is_told_with_the_mistakes_before_it() -> None:
    assert [line for line, _ in mistakes("a: 1\na: 2\nb:\n\tc: 1\n")] == [2, 4]


def test_a_tab_gets_advice() -> None:
    with pytest.raises(Mistakes) as caught:
        strict_yaml.load("f.yml", "a:\n\tb: 1\n")
    assert "tab" in caught.value.mistakes[0].instead


def test_an_empty_file_is_nothing() -> None:
    assert strict_yaml.load("f.yml", "").value is None


def test_a_mistake_points_at_its_path() -> None:
    document = strict_yaml.load("f.yml", "a:\n  b: 1\n")
    assert str(document.mistake(("a", "b"), "wrong", "write 2")) == "f.yml:2: wrong (write 2)"


@pytest.mark.parametrize("piece", ["? ", "[a: ", "- ", "{a: ", "a: [", "'a", "&a ", "!a "])
def test_hostile_repetition_ends_quickly(piece: str) -> None:
    began = time.perf_counter()
    mistakes(piece * (200_000 // len(piece)))
    assert time.perf_counter() - began < 2


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet=st.sampled_from("ab:-?[]{},#&*!|>'\"%@` \n\t01.\u00e9京"), max_size=60))
def test_any_text_gives_values_or_mistakes(text: str) -> None:
    try:
        strict_yaml.load("f.yml", text)
    except Mistakes as caught:
        assert caught.mistakes


scalars = st.one_of(st.none(), st.booleans(), st.integers(-(10**17), 10**17), st.text("ab no:12京", max_size=6))
trees = st.recursive(
    scalars, lambda kids: st.lists(kids, max_size=3) | st.dictionaries(st.text("abc"), kids), max_leaves=12
)


@settings(max_examples=100, deadline=None)
@given(trees)
def test_json_reads_as_itself(tree: Any) -> None:
    import json

    assert strict_yaml.load("f.yml", json.dumps(tree, ensure_ascii=False)).value == tree
