"""Which mute an event falls under, and how that is said."""

from datetime import UTC, datetime

import pytest
from event_factories import event, fact, partnership

from watcher.digest.choose import choose
from watcher.digest.mute import in_force, muting, told
from watcher.model import FactKind, Mute, MuteKind, RuleStatus, SubscriptionConfig

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
JANUARY = datetime(2027, 1, 31, tzinfo=UTC)


def mute(kind: str, value: str, until: datetime | None = None) -> Mute:
    return Mute(kind=MuteKind(kind), value=value, until=until)


KONOYA = mute("party", "Konoya")


@pytest.mark.parametrize(
    ("kind", "value", "meets"),
    [
        ("rule", "licensing-deal", True),
        ("rule", "licensing", False),
        ("story", "7", True),
        ("story", "77", False),
        ("party", "AstraZeneca", True),
        ("party", "astrazeneca PLC", True),
        ("party", "阿斯利康", True),
        ("party", "Astra", False),
        ("party", "CMG901", False),
        ("party", "!!!", False),
        ("place", "AstraZeneca", True),
        ("place", "Sweden", False),
    ],
)
def test_a_rule_a_story_or_a_party_under_any_of_its_names_can_be_muted(kind, value, meets):
    assert (muting(event(story_id=7), [mute(kind, value)]) is not None) is meets


@pytest.mark.parametrize(
    ("value", "meets"),
    [
        ("Seoul", True),
        ("seoul", True),
        ("首尔", True),
        ("South Korea", True),
        ("China", True),
        ("重庆市", True),
        ("Chengdu", False),
        ("Seoul Bio Hub", True),
        ("Nowhere at all", False),
    ],
)
def test_a_muted_place_mutes_what_lies_inside_it(value, meets):
    assert (muting(partnership(), [mute("place", value)]) is not None) is meets


def test_a_place_around_the_muted_one_is_not_muted():
    country = partnership(facts={"places": fact("places", FactKind.PLACE, ("China", "South Korea"))})
    assert muting(country, [mute("place", "Chongqing")]) is None


def test_a_name_in_the_title_alone_is_not_muted():
    assert muting(event(facts={}), [KONOYA]) is None


def test_a_story_that_is_not_stored_is_not_muted():
    assert muting(event(), [mute("story", "None")]) is None


def test_the_mute_that_lasts_longest_is_told():
    rule = mute("rule", "licensing-deal", NOON)
    assert muting(event(), [rule, mute("party", "Konoya", JANUARY)]) == mute("party", "Konoya", JANUARY)
    assert muting(event(), [mute("party", "Konoya", JANUARY), KONOYA]) == KONOYA


def test_a_mute_ends_at_its_instant_and_one_without_an_end_never():
    ends = mute("rule", "funding", NOON)
    assert in_force([ends, KONOYA], NOON) == (KONOYA,)
    assert in_force([ends, KONOYA], NOON.replace(hour=11)) == (ends, KONOYA)


@pytest.mark.parametrize(
    ("one", "zone", "words"),
    [
        (mute("party", "Konoya", JANUARY), "UTC", "muted until 31 Jan 2027: party Konoya"),
        (mute("party", "Konoya", JANUARY), "America/New_York", "muted until 30 Jan 2027: party Konoya"),
        (mute("story", "12"), "UTC", "muted: story 12"),
        (mute("place", "Seoul\nBcc: x"), "UTC", "muted: place Seoul Bcc: x"),
    ],
)
def test_a_mute_is_told_with_its_end_in_the_reader_s_zone(one, zone, words):
    assert told(one, zone) == words


def test_a_muted_event_is_not_chosen_and_says_until_when():
    subscription = SubscriptionConfig(id="s", title="S", channels=("hook",))
    choice = choose(event(), subscription, mutes=[mute("party", "Konoya", JANUARY)])
    assert (choice.chosen, choice.muted, choice.reason) == (False, True, "muted until 31 Jan 2027: party Konoya")
    assert choose(event(), subscription).chosen
    shadow = choose(event(status=RuleStatus.EXPERIMENTAL), subscription, mutes=[KONOYA])
    assert (shadow.muted, shadow.reason) == (False, "experimental rule licensing-deal: recorded, never sent")
