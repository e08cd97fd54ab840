"""Words around names of places: which speak for a place, which against it, and initials that are places."""

from __future__ import annotations

from watcher.annotate.word_lists import word_list

LOCATIVE = word_list("LOCATIVE")
"""After these a name that may be an ordinary word is read as a place; "of" too: "the port of Split"."""

ADMIN_BEFORE = word_list("ADMIN_BEFORE")
"""Before "of X" (de X, di X): X is a place."""

ADMIN_AFTER = word_list("ADMIN_AFTER")
"""After X (with a space or hyphen): X is a place."""

MAY_FOLLOW = word_list("MAY_FOLLOW")
"""Capitalised words that may stand right after a place without making it part of another name."""

MAY_PRECEDE = word_list("MAY_PRECEDE")
"""Capitalised words that may stand right before a place."""

PERSON_BEFORE = word_list("PERSON_BEFORE")
"""Titles (and a few common first names) after which a name is a person's."""

SPEAKS = word_list("SPEAKS")
"""After an ordinary-looking name these make it a person."""

INITIALS = {
    "US": "us",
    "U.S": "us",
    "USA": "us",
    "U.S.A": "us",
    "UK": "gb",
    "EU": "eu",
    "U.K": "gb",
    "UAE": "ae",
    "U.A.E": "ae",
    "NSW": "au-nsw",
    "PRC": "cn",
    "P.R.C": "cn",
    "NYC": "us/new-york-city",
    "HKSAR": "hk",
    "ROK": "kr",
    "DRC": "cd",
}

STATE_SHORT = {
    "Mass": "us-ma",
    "MA": "us-ma",
    "Va": "us-va",
    "VA": "us-va",
    "Calif": "us-ca",
    "CA": "us-ca",
    "NY": "us-ny",
    "N.Y": "us-ny",
    "NJ": "us-nj",
    "N.J": "us-nj",
    "Pa": "us-pa",
    "PA": "us-pa",
    "Md": "us-md",
    "MD": "us-md",
    "Tex": "us-tx",
    "TX": "us-tx",
    "Wash": "us-wa",
    "WA": "us-wa",
    "Ill": "us-il",
    "IL": "us-il",
    "Conn": "us-ct",
    "CT": "us-ct",
    "Fla": "us-fl",
    "FL": "us-fl",
    "Ga": "us-ga",
    "GA": "us-ga",
    "N.C": "us-nc",
    "NC": "us-nc",
    "Mich": "us-mi",
    "MI": "us-mi",
    "Minn": "us-mn",
    "MN": "us-mn",
    "Colo": "us-co",
    "CO": "us-co",
    "Ore": "us-or",
    "OR": "us-or",
    "Ariz": "us-az",
    "AZ": "us-az",
    "Tenn": "us-tn",
    "TN": "us-tn",
    "OH": "us-oh",
    "Ohio": "us-oh",
    "Ont": "ca-on",
    "ON": "ca-on",
    "BC": "ca-bc",
    "B.C": "ca-bc",
    "QC": "ca-qc",
    "Que": "ca-qc",
    "DC": "us-dc",
    "D.C": "us-dc",
    "Ind": "us-in",
    "Wis": "us-wi",
    "WI": "us-wi",
    "Mo": "us-mo",
    "MO": "us-mo",
    "La": "us-la",
    "Ala": "us-al",
    "AL": "us-al",
    "Ky": "us-ky",
    "KY": "us-ky",
    "Utah": "us-ut",
    "UT": "us-ut",
    "NV": "us-nv",
    "Nev": "us-nv",
    "England": "gb-eng",
    "Scotland": "gb-sct",
    "Wales": "gb-wls",
    "NSW": "au-nsw",
    "Vic": "au-vic",
    "Qld": "au-qld",
    "UK": "gb",
    "EU": "eu",
    "USA": "us",
    "U.S": "us",
    "U.K": "gb",
    "NH": "us-nh",
    "N.H": "us-nh",
    "RI": "us-ri",
    "R.I": "us-ri",
    "DE": "us-de",
    "Del": "us-de",
    "IN": "us-in",
    "SC": "us-sc",
    "S.C": "us-sc",
    "KS": "us-ks",
    "Kan": "us-ks",
    "NM": "us-nm",
    "N.M": "us-nm",
    "Okla": "us-ok",
    "OK": "us-ok",
}
"""How datelines shorten regions after a city."""

ZONE_NEXT = word_list("ZONE_NEXT")
"""Capitalised words that may follow a zone or park without making it part of another name (a report)."""

ADMIN_DIRECT = word_list("ADMIN_DIRECT")
"""Right before X, without "of": X is a place."""

RULES_IT = word_list("RULES_IT")
"""Right after X or "X's": X is a place that has such people."""

SPEAKS_FOR = word_list("SPEAKS_FOR")
"""Before "in X", "from X", "of X": X is a place."""

COMMON = word_list("COMMON")
"""Words that are no name by themselves, however they are written."""
