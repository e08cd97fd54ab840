"""Words around names of places: which speak for a place, which against it, and initials that are places."""

from __future__ import annotations

LOCATIVE = frozenset(
    ["in", "at", "near", "from", "to", "toward", "towards", "into", "across", "outside", "inside", "around", "via", "between", "visited", "visiting", "visits", "visit", "of", "en", "desde", "hacia", "a", "in", "nella", "di", "da", "em", "no", "na", "nach", "aus", "bei", "von", "über", "à", "dans", "chez"]
)
"""Words before a name that may be an ordinary word, after which it is read as a place. "of" counts too: "the port of Split"."""

ADMIN_BEFORE = frozenset(
    ["city", "cities", "town", "municipality", "mayor", "mayors", "government", "governments", "governor", "council", "province", "prefecture", "county", "district", "districts", "region", "state", "capital", "port", "metropolis", "suburb", "village", "authorities", "people", "residents", "university-town", "canton", "borough", "republic", "department", "ciudad", "ciudades", "alcalde", "alcaldesa", "alcaldia", "ayuntamiento", "provincia", "comunidad", "gobierno", "municipio", "distrito", "region", "isla", "citta", "comune", "sindaco", "regione", "provincia", "prefeitura", "prefeito", "cidade", "municipio", "governo", "camara", "distrito", "estado", "stadt", "landkreis", "ville", "mairie", "maire", "region", "departement", "commune"]
)
"""Before "of X" (de X, di X): X is a place."""

ADMIN_AFTER = frozenset(
    ["city", "province", "prefecture", "county", "district", "municipality", "municipal", "mayor", "mayors", "metropolitan", "governor", "council", "councillors", "councilors", "town", "township", "borough", "oblast", "region", "canton", "state", "delegation", "officials", "government", "authorities", "counterpart", "counterparts", "commune", "city's", "provincial", "vice-mayor"]
)
"""After X (with a space or hyphen): X is a place."""

MAY_FOLLOW = frozenset(
    ["mayor", "vice", "deputy", "governor", "government", "municipal", "city", "province", "prefecture", "county", "district", "council", "hall", "metropolitan", "state", "party", "and", "or", "the", "in", "on", "at", "of", "for", "from", "to", "with", "by", "as", "is", "was", "were", "has", "have", "had", "will", "would", "can", "could", "may", "after", "before", "while", "when", "signs", "sign", "inks", "ink", "opens", "launches", "hosts", "welcomes", "seeks", "eyes", "joins", "agrees", "plans", "becomes", "expands", "signed", "region", "area", "new", "port", "airport", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december", "jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec", "people's", "peoples", "provincial", "township", "town", "economic", "free", "special", "based", "high", "science", "university's", "ceo", "chief", "president", "minister", "premier", "prime", "communist", "branch", "office", "chamber", "stock"]
)
"""Capitalised words that may stand right after a place without making it part of another name."""

MAY_PRECEDE = frozenset(
    ["the", "in", "at", "from", "to", "of", "and", "or", "for", "with", "on", "by", "near", "greater", "central", "south", "north", "east", "west", "northern", "southern", "eastern", "western", "downtown", "metropolitan", "mainland", "new", "upper", "lower", "inner", "outer", "mayor", "governor", "city", "port", "between", "both", "southeast", "northeast", "northwest", "southwest", "mid", "via", "but", "while", "as", "when", "after", "since", "until", "before", "if", "although", "though", "however", "meanwhile", "today", "yesterday", "unlike", "like", "including", "en", "de", "desde", "la", "el", "las", "los", "y", "e", "il", "lo", "di", "da", "a", "o", "em", "no", "na", "der", "die", "das", "von", "aus", "und", "im", "le", "les", "du", "et"]
)
"""Capitalised words that may stand right before a place."""

PERSON_BEFORE = frozenset(
    ["mr", "mrs", "ms", "miss", "dr", "prof", "professor", "sir", "dame", "lord", "lady", "judge", "justice", "senator", "sen", "rep", "gen", "captain", "capt", "st", "dra", "sra", "sr", "don", "doña", "saint", "michael", "john", "paul", "james", "david", "maria", "juan", "jose", "carlos"]
) - {"st"}
"""Titles (and a few common first names) after which a name is a person's."""

SPEAKS = frozenset(
    ["said", "says", "told", "added", "noted", "explained", "recalled", "joked", "wrote", "argued", "believes", "thinks", "smiled", "laughed"]
)
"""After an ordinary-looking name these make it a person."""

INITIALS = {
    "US": "us", "U.S": "us", "USA": "us", "U.S.A": "us", "UK": "gb", "U.K": "gb", "UAE": "ae", "U.A.E": "ae", "NSW": "au-nsw",
    "PRC": "cn", "P.R.C": "cn", "NYC": "us/new-york-city", "HKSAR": "hk", "ROK": "kr", "DRC": "cd",
}  # fmt: skip

STATE_SHORT = {
    "Mass": "us-ma", "MA": "us-ma", "Va": "us-va", "VA": "us-va", "Calif": "us-ca", "CA": "us-ca", "NY": "us-ny", "N.Y": "us-ny", "NJ": "us-nj",
    "N.J": "us-nj", "Pa": "us-pa", "PA": "us-pa", "Md": "us-md", "MD": "us-md", "Tex": "us-tx", "TX": "us-tx", "Wash": "us-wa", "WA": "us-wa",
    "Ill": "us-il", "IL": "us-il", "Conn": "us-ct", "CT": "us-ct", "Fla": "us-fl", "FL": "us-fl", "Ga": "us-ga", "GA": "us-ga", "N.C": "us-nc",
    "NC": "us-nc", "Mich": "us-mi", "MI": "us-mi", "Minn": "us-mn", "MN": "us-mn", "Colo": "us-co", "CO": "us-co", "Ore": "us-or", "OR": "us-or",
    "Ariz": "us-az", "AZ": "us-az", "Tenn": "us-tn", "TN": "us-tn", "OH": "us-oh", "Ohio": "us-oh", "Ont": "ca-on", "ON": "ca-on", "BC": "ca-bc",
    "B.C": "ca-bc", "QC": "ca-qc", "Que": "ca-qc", "DC": "us-dc", "D.C": "us-dc", "Ind": "us-in", "Wis": "us-wi", "WI": "us-wi", "Mo": "us-mo",
    "MO": "us-mo", "La": "us-la", "Ala": "us-al", "AL": "us-al", "Ky": "us-ky", "KY": "us-ky", "Utah": "us-ut", "UT": "us-ut", "NV": "us-nv", "Nev": "us-nv",
    "England": "gb-eng", "Scotland": "gb-sct", "Wales": "gb-wls", "NSW": "au-nsw", "Vic": "au-vic", "Qld": "au-qld", "UK": "gb", "USA": "us",
    "U.S": "us", "U.K": "gb", "NH": "us-nh", "N.H": "us-nh", "RI": "us-ri", "R.I": "us-ri", "DE": "us-de", "Del": "us-de", "IN": "us-in", "SC": "us-sc",
    "S.C": "us-sc", "KS": "us-ks", "Kan": "us-ks", "NM": "us-nm", "N.M": "us-nm", "Okla": "us-ok", "OK": "us-ok",
}  # fmt: skip
"""How datelines shorten regions after a city."""
