"""How often one mailbox may be written to, and who may ask how often: the decisions, at their exact edges."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from watcher.pipeline.signup_limits import SignupReason, flood, keys, mailbox, spared
from watcher.store.signups import Lately

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SECRET = "a key of at least thirty-two characters"


@pytest.mark.parametrize(
    "hours_ago, reason",
    [
        ((), None),
        ((0,), SignupReason.MAILED_LATELY),
        ((23.99,), SignupReason.MAILED_LATELY),
        ((24,), None),
        ((49, 25), None),
        ((600, 300, 25), SignupReason.MAILED_OFTEN),
        ((600, 300, 1), SignupReason.MAILED_LATELY),
    ],
)
def test_a_mailbox_gets_a_letter_a_day_and_three_in_thirty_days(
    hours_ago: tuple[float, ...], reason: SignupReason | None
) -> None:
    mailed = tuple(NOW - timedelta(hours=one) for one in hours_ago)
    assert spared(Lately(mailed_at=mailed), now=NOW) == reason


@pytest.mark.parametrize(
    "lately, reason",
    [
        (Lately(), None),
        (Lately(client_hour=4, client_day=14, network_hour=19, network_day=59, letters_hour=199), None),
        (Lately(client_hour=5), SignupReason.CLIENT_LIMIT),
        (Lately(client_day=15), SignupReason.CLIENT_LIMIT),
        (Lately(network_hour=20), SignupReason.NETWORK_LIMIT),
        (Lately(network_day=60), SignupReason.NETWORK_LIMIT),
        (Lately(letters_hour=200), SignupReason.SERVICE_LIMIT),
    ],
)
def test_a_client_a_network_and_everybody_together_are_bounded(lately: Lately, reason: SignupReason | None) -> None:
    assert flood(lately) == reason


@pytest.mark.parametrize(
    "address, as_limits_see_it",
    [
        ("anna@example.org", "anna@example.org"),
        ("Anna@Example.Org", "anna@example.org"),
        ("a.n.n.a@example.org", "anna@example.org"),
        ("anna+news@example.org", "anna@example.org"),
        ("A.nna+x+y@example.org", "anna@example.org"),
        ("anna@googlemail.com", "anna@gmail.com"),
        ("anna@mail.example.org", "anna@mail.example.org"),
    ],
)
def test_tags_dots_and_capitals_are_one_mailbox_to_limits(address: str, as_limits_see_it: str) -> None:
    assert mailbox(address) == as_limits_see_it


@pytest.mark.parametrize(
    "one, other, same_client, same_network",
    [
        ("203.0.113.7", "203.0.113.8", False, True),
        ("203.0.113.7", "203.0.114.7", False, False),
        ("203.0.113.7", "::ffff:203.0.113.7", True, True),
        ("2001:db8:1:2::1", "2001:db8:1:2::2", True, True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False, True),
        ("2001:db8:1:2::1", "2001:db8:2:2::1", False, False),
        (None, "unknown", True, True),
    ],
)
def test_a_client_is_an_address_or_a_64_and_a_network_a_24_or_a_48(
    one: str | None, other: str, same_client: bool, same_network: bool
) -> None:
    first, second = (keys(SECRET, address="a@b.org", client=client) for client in (one, other))
    assert (first.client == second.client, first.network == second.network) == (same_client, same_network)


def test_the_hashes_say_nothing_without_the_key() -> None:
    mine = keys(SECRET, address="anna@example.org", client="203.0.113.7")
    others = keys(SECRET + "!", address="anna@example.org", client="203.0.113.7")
    assert {mine.limit, mine.client, mine.network}.isdisjoint({others.limit, others.client, others.network})
    assert all(len(one) == 64 for one in (mine.limit, mine.client, mine.network))
