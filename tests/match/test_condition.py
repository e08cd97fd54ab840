import pytest

from watcher.match.condition import ConditionError, holds, names_of, read_condition

NAMES = ("a", "b", "city_one", "city_two")


@pytest.mark.parametrize(
    ("text", "true", "expected"),
    [
        ("a and b", "a", False),
        ("a and b", "a b", True),
        ("a or b", "b", True),
        ("a or b and not a", "b", True),
        ("(a or b) and not a", "a b", False),
        ("not not a", "a", True),
        ("1 of them", "city_two", True),
        ("2 of them", "a", False),
        ("any of city_*", "city_one", True),
        ("all of city_*", "city_one", False),
        ("all of them", "a b city_one city_two", True),
        ("A AND B".lower(), "a b", True),
    ],
)
def test_a_condition_holds_for_the_selections_that_are_true(text: str, true: str, expected: bool) -> None:
    assert holds(read_condition(text, NAMES), lambda name: name in true.split()) is expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a and c", "no selection 'c' (selections: a, b, city_one, city_two)"),
        ("a and", "a selection is missing at the end"),
        ("a and (b or", "a selection is missing at the end"),
        ("(a", "a closing parenthesis is missing"),
        ("a b", "'b' is not expected here: write 'and' or 'or' before it"),
        ("a & b", "'& b' cannot be read: only names, and, or, not, of, ( and )"),
        ("9 of them", "'9 of': write a number from 1 to 4, 'any' or 'all'"),
        ("any of x*", "names no selection"),
        ("(" * 300 + "a", "nested too deep"),
        ("a or " * 500 + "a", "longer than 400 words"),
        ("", "a selection is missing at the end"),
    ],
)
def test_a_condition_that_cannot_be_read_says_what_to_write(text: str, message: str) -> None:
    with pytest.raises(ConditionError) as caught:
        read_condition(text, NAMES)
    assert message in str(caught.value)


def test_the_names_of_a_condition_are_told_apart_by_their_sign() -> None:
    condition = read_condition("a and not (b or not city_one)", NAMES)
    assert names_of(condition, negated=False) == ("a", "city_one")
    assert names_of(condition, negated=True) == ("b",)
