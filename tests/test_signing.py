from __future__ import annotations

import pytest

from watcher.signing import Links, Purpose

LINKS = Links(key="k" * 32, public_url="https://watch.example.org/")


def test_a_token_gives_back_what_it_was_given() -> None:
    assert LINKS.read(Purpose.VOTE, LINKS.token(Purpose.VOTE, e=7, w="useful")) == {"e": 7, "w": "useful"}


def test_a_token_opens_nothing_but_its_purpose() -> None:
    assert LINKS.read(Purpose.PREFERENCES, LINKS.token(Purpose.UNSUBSCRIBE, s="daily")) is None


def test_a_token_of_another_key_is_not_ours() -> None:
    assert LINKS.read(Purpose.UNSUBSCRIBE, Links(key="x" * 32).token(Purpose.UNSUBSCRIBE, s="daily")) is None


@pytest.mark.parametrize("token", ["", ".", "x" * 601, "\ud800", "e30", "null.aaaa"])
def test_what_is_no_token_is_none(token: str) -> None:
    assert LINKS.read(Purpose.EVENT, token) is None


def test_every_letter_of_a_token_counts() -> None:
    token = LINKS.token(Purpose.UNSUBSCRIBE, s="daily")
    for place in range(len(token) - 1):  # the last letter carries bits that do not count
        other = "A" if token[place] != "A" else "B"
        assert LINKS.read(Purpose.UNSUBSCRIBE, token[:place] + other + token[place + 1 :]) is None


def test_addresses_stand_under_the_public_url() -> None:
    address = LINKS.of_digest(3, "daily").unsubscribe
    assert address and address.startswith("https://watch.example.org/u/")


def test_without_a_public_url_there_are_no_addresses() -> None:
    assert Links(key="k" * 32).of_alert(1, "daily").event is None
