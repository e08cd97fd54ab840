import pytest

from watcher.annotate.places import places
from watcher.match.asides import asides
from watcher.model import TextField


@pytest.mark.parametrize(
    ("text", "beside"),
    [
        ("甘肃省庆阳市与德国亚琛市签署意向书。", {"Gansu", "Germany"}),
        ("Mianyang in Sichuan and Kobe signed a memo.", {"Sichuan"}),
        ("The mayors of Madison, Wisconsin, and Lyon signed.", {"Wisconsin"}),
        ("RALEIGH - Delaware and Lombardy renewed their pact.", {"Raleigh"}),
        ("RALEIGH, N.C. (Newswire) -- Delaware and Lombardy renewed their pact.", {"Raleigh"}),
        ("The governors of Colorado and Lombardy met in Denver.", {"Denver"}),
        ("Porto and Busan exchanged the letters in Lyon on Friday.", {"Lyon"}),
        ("波尔图市与釜山市在南京签署协议。", {"Nanjing"}),
        ("上海市与南京市将在长三角深化合作。", {"Yangtze River Delta"}),
        ("Colorado and Denver signed a pact with Lyon.", set()),
        ("LYON - Mayor Bernard said the city and Porto will cooperate.", set()),
        ("Officials of Busan were in Porto on Friday.", set()),
        ("RALEIGH - Delaware and Lombardy renewed their pact. Raleigh will host the next talks.", set()),
    ],
)
def test_places_beside_the_sides_are_told_from_them(text: str, beside: set[str]) -> None:
    found = places(text, TextField.TEXT)
    keys = asides(found, lambda _: text)
    assert {one.name for one in found if one.key in keys} == beside
