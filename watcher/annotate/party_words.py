"""The words by which names of organisations are told: what ends them, what begins them, what never belongs to them."""

from __future__ import annotations

import re

from watcher.model import PartyKind

_C, _F, _U, _G, _I = PartyKind.COMPANY, PartyKind.FUND, PartyKind.UNIVERSITY, PartyKind.GOVERNMENT, PartyKind.INSTITUTE


def _all(kind: PartyKind, names: str) -> dict[str, PartyKind]:
    return dict.fromkeys(names.split(), kind)


LEGAL = frozenset(
    ["inc", "incorporated", "ltd", "limited", "llc", "llp", "lp", "plc", "co", "corp", "corporation", "company", "gmbh", "ag", "kgaa", "sa", "sas", "sarl", "se", "nv", "bv", "ab", "asa", "oy", "oyj", "spa", "srl", "sl", "sau", "pty", "pte", "kk", "bhd", "tbk", "jsc", "pjsc", "ooo", "kft"]
)
"""Legal forms, without dots and case; only with a capital they end a name."""

COMPANY_HEADS = {
    **_all(
        _C,
        "pharma pharmaceutical pharmaceuticals pharmaceutica farmaceutici farmaceutica farma pharmaceuticals therapeutics biotherapeutics "
        "immunotherapeutics radiopharma radiopharmaceuticals bioscience biosciences biotech biotechnology biotechnologies biotec "
        "biopharma biopharmaceutical biopharmaceuticals biologics biological biologicals biomedical biomedicals biomedicine biomed bio "
        "medicines medicine medical medtech genomics genetics oncology diagnostics vaccines labs lab laboratories laboratorios "
        "laboratoires technologies technology tech sciences science lifesciences healthcare health holdings holding group gruppe groupe "
        "industries solutions systems devices robotics robots immunology immuno neuro neuroscience neurosciences dx rx instruments "
        "biosystems bioworks biosolutions bioengineering electronics semiconductor semiconductors energy motors foods brands software "
        "logistics airlines chemicals chemical materials airways studios media publishing enterprise",
    ),
    **_all(_F, "capital ventures venture partners fund funds investments investors equity advisors bank vc angels"),
}
"""Last words of names of companies and investors, folded."""

BODY_HEADS = {
    **_all(_U, "university universität universite universidad università universidade college polytechnic"),
    **_all(
        _I,
        "institute institut institution hospital hospitals clinic academy foundation laboratory center centre consortium "
        "association society museum network council-of hospitalet observatory trust alliance federation chamber",
    ),
    **_all(
        _G,
        "ministry commission bureau government authority administration committee agency department embassy consulate office council "
        "municipality senate parliament secretariat directorate customs court",
    ),
}
"""Last words of names of universities, institutes and public bodies, folded."""

FRONT_HEADS = {
    **_all(
        _U,
        "university universität universita universidad universite universidade université universität college school faculty",
    ),
    **_all(
        _G,
        "ministry department ministerio ministero ministère ministere ministério ayuntamiento government governo gobierno municipality "
        "secretariat consejeria xunta diputacion prefeitura camara mairie bureau office board commission embassy embajada ambasciata "
        "state-council",
    ),
    **_all(_F, "bank"),
    **_all(
        _I,
        "institute institut instituto istituto hospital academy centre center fundacion fondazione fundacao society association "
        "asociacion federation chamber foundation council",
    ),
}
"""First words of names that go on with "of" (de, di …)."""

TOPICS = frozenset(
    ["science", "sciences", "technology", "technologies", "culture", "tourism", "commerce", "economy", "economic", "economics", "information", "industry", "industrial", "trade", "health", "education", "research", "development", "reform", "innovation", "finance", "financial", "investment", "medicine", "medical", "food", "drug", "drugs", "agriculture", "environment", "energy", "planning", "human", "resources", "foreign", "affairs", "business", "employment", "sports", "sport", "radio", "film", "housing", "construction", "transport", "transportation", "water", "land", "natural", "resource", "science&technology", "security", "labor", "labour", "social", "welfare", "women", "children", "family", "planning", "art", "arts", "design", "engineering", "life", "biology", "biomedical", "pharmacy", "pharmaceutical", "public", "safety", "supervision", "market", "regulation"]
)
"""Words that stand beside "and" inside the name of a public body."""

TITLES = frozenset(
    ["mr", "mrs", "ms", "miss", "dr", "prof", "professor", "sir", "dame", "lord", "lady", "mayor", "governor", "president", "chairman", "chairwoman", "chair", "chief", "director", "minister", "secretary", "ceo", "cfo", "coo", "cto", "founder", "co-founder", "vice", "deputy", "executive", "manager", "head", "senator", "judge", "commissioner", "academician", "king", "queen", "prince", "alcalde", "alcaldesa", "sindaco", "presidente", "ministro", "consejero", "prefeito", "bürgermeister", "oberbürgermeister", "maire", "général", "general", "partner", "premier", "chancellor", "ambassador", "consul", "party", "officer", "analyst", "reporter", "doctor"]
)

BREAKS = frozenset(
    ["and", "or", "the", "a", "an", "in", "on", "at", "of", "for", "from", "to", "with", "by", "as", "after", "before", "since", "while", "when", "but", "if", "that", "this", "these", "its", "his", "her", "their", "our", "via", "buys", "buy", "bought", "signs", "sign", "signed", "inks", "ink", "inked", "raises", "raise", "raised", "secures", "secure", "secured", "acquires", "acquire", "acquired", "licenses", "license", "licensed", "licences", "licence", "licensing", "grants", "grant", "granted", "gets", "get", "got", "wins", "win", "won", "takes", "take", "took", "sells", "sell", "sold", "launches", "launch", "launched", "opens", "open", "opened", "closes", "close", "closed", "announces", "announce", "announced", "says", "say", "said", "completes", "completed", "receives", "received", "names", "named", "joins", "joined", "partners", "partnered", "teams", "invests", "invested", "leads", "led", "backs", "backed", "expands", "expanded", "enters", "entered", "strikes", "struck", "lands", "landed", "bags", "nabs", "nets", "snags", "pockets", "pulls", "fuels", "boosts", "scores", "hits", "sees", "seeks", "eyes", "plans", "adds", "pays", "exercises", "inked", "in-licenses", "out-licenses", "returns", "ends", "ended", "terminates", "terminated", "regains", "halts", "drops", "drugmaker", "pharma-giant", "maker", "developer", "startup", "startups", "company", "companies", "biotechs", "firm", "firms", "group's", "deal", "deals", "rights", "right", "exclusive", "global", "worldwide", "agreement", "round", "series", "seed", "ipo", "financing", "financings", "funding", "today", "yesterday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december", "jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec", "source", "copyright", "photo", "note", "week", "news", "update", "is", "are", "was", "were", "chinese", "american", "british", "japanese", "korean", "german", "french", "italian", "spanish", "swiss", "swedish", "danish", "dutch", "indian", "israeli", "european", "asian", "australian", "canadian", "belgian", "irish", "russian", "brazilian", "nasdaq-listed", "nasdaq", "nyse", "hong-kong-listed", "us-based", "both", "meanwhile", "separately", "elsewhere", "however", "also", "under", "earlier", "later", "last", "next", "now", "here", "there", "how", "why", "what", "who", "where", "biggest", "largest", "top", "new-york-based", "parent", "subsidiary", "unit", "affiliate", "spinout", "spinoff", "rival", "giant", "sponsor", "investor", "investors", "backers", "including", "like", "such", "alongside", "across", "over", "more", "than", "up", "down", "out", "off", "into", "onto", "between", "through", "against", "amid", "per", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "el", "la", "los", "las", "de", "del", "con", "por", "para", "en", "y", "e", "il", "lo", "gli", "le", "di", "da", "der", "die", "das", "und", "mit", "von", "im", "am", "les", "des", "et", "au", "aux", "du"]
)
"""Words that never belong to a name read leftwards from its last word."""

COMMON = frozenset(
    ["biotech", "biotechnology", "pharma", "pharmaceutical", "pharmaceuticals", "medical", "medicine", "health", "healthcare", "science", "sciences", "technology", "research", "company", "group", "bank", "fund", "capital", "ventures", "venture", "partners", "investors", "investment", "life", "bio", "drug", "drugs", "cancer", "cell", "gene", "therapy", "therapies", "vaccine", "vaccines", "hospital", "university", "college", "institute", "center", "centre", "city", "council", "mayor", "county", "state", "government", "national", "international", "municipal", "people's", "chinese", "american", "european", "global", "world", "united", "public", "private", "general", "central", "federal", "regional", "local", "royal", "new", "old", "big", "small", "great", "grand", "first", "second", "third", "north", "south", "east", "west", "northern", "southern", "eastern", "western", "early", "late", "series", "seed", "round", "phase", "class", "conference", "forum", "summit", "expo", "fair", "week", "day", "year", "month", "quarter", "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "researchers", "scientists", "officials", "investors", "shares", "stock", "sales", "revenue", "profit", "money", "funds", "proceeds", "patients", "doctors", "analysts", "experts", "others", "another", "some", "many", "most", "several", "both", "each", "all", "none", "people", "participants", "delegates", "members", "teams", "students", "companies", "firms", "startups", "cities", "towns", "parties", "sides", "partners", "founders", "executives", "managers", "students", "president", "chairman", "ceo", "founder", "co-founder", "director", "minister", "secretary", "governor", "senator", "doctor", "professor", "terms", "details", "milestones", "royalties", "payments", "upfront", "under", "according", "following", "since", "while", "although", "despite", "earlier", "later", "today", "yesterday", "tomorrow", "now", "then", "once", "however", "moreover", "meanwhile", "also", "further", "separately", "together", "alone", "additional", "other", "such", "same", "its", "their", "his", "her", "our", "your", "whose", "which", "who", "what", "when", "where", "why", "how", "this", "that", "these", "those", "there", "here", "yes", "no", "not", "none", "nothing", "everything", "everyone", "someone", "nobody", "anyone", "clinical", "financing", "financings", "financial", "finance", "funding", "licensing", "licence", "license", "agreement", "deal", "deals", "agreements", "oncology", "immunology", "business", "development", "policy", "legal", "regulatory", "compliance", "marketing", "sales", "human", "resources", "information", "management", "services", "digital", "data", "innovation", "sister", "friendship", "cooperation", "economic", "trade", "tourism", "culture", "education", "sports", "environment", "energy", "transport", "housing", "planning", "strategic", "framework", "memorandum", "understanding", "protocol", "pact", "treaty", "convention", "declaration", "charter", "medicines", "biotechs", "biosimilar", "biosimilars", "biologics", "antibody", "antibodies", "plasma", "blood", "stem", "immune", "nano", "micro", "macro", "neuro", "cardio", "onco", "dermal", "vascular", "surge", "surgery", "nurse", "nursing", "pharmacy", "spectrum", "legend", "orbit", "prime", "alpha", "beta", "gamma", "delta", "omega", "sigma", "vector", "vertex", "summit", "horizon", "pioneer", "frontier", "beacon", "harbor", "harbour", "apple", "tree", "third", "rock", "polaris", "atlas", "bain", "flagship", "global", "advanced", "applied", "american", "modern", "future", "smart", "precision", "integrated", "shares", "total", "financings", "startup", "spinout", "spinoff", "unit", "product", "products", "project", "projects", "program", "programs", "programme", "pipeline", "platform", "series", "market", "markets", "industry", "industries", "sector", "cluster", "clusters", "park", "parks", "zone", "zones", "valley", "hub", "building", "facility", "plant", "site", "it's", "he's", "she's", "they're", "we've", "i've", "don't", "series", "elsewhere", "copyright", "source", "photo", "credit", "note", "editor", "staff", "reporter", "by"]
)
"""Ordinary words that are capitalised at the start of sentences and in headlines: no names by themselves."""

ACTS = frozenset(
    ["raises", "raised", "raising", "secures", "secured", "closes", "closed", "completes", "completed", "bags", "bagged", "nets", "netted", "lands", "landed", "pockets", "pocketed", "licenses", "licensed", "in-licenses", "in-licensed", "out-licenses", "out-licensed", "licences", "licenced", "acquires", "acquired", "buys", "bought", "sells", "sold", "grants", "granted", "gains", "gained", "obtains", "obtained", "pays", "paid", "receives", "received", "exercises", "exercised", "signs", "signed", "inks", "inked", "announces", "announced", "collects", "collected", "wins", "won", "attracts", "attracted", "garners", "garnered", "invests", "invested", "leads", "co-led", "led", "backs", "backed", "develops", "commercializes", "commercialises", "markets", "granted", "out-licenced", "snags", "snagged", "banks", "banked", "scores", "scored", "hauls", "pulls", "pulled", "enters", "entered", "partners", "partnered", "teams", "launches", "launched", "debuts", "priced", "prices", "filed", "files", "regains", "regained", "terminates", "terminated"]
)
"""Verbs that follow the name of an organisation in news of deals and money."""

SHAPE = re.compile(
    r"^(?:Bio[A-Z][a-z]|Immuno[A-Z]?[a-z]|Onco[A-Z]?[a-z]|Neuro[A-Z][a-z]|Gene[A-Z][a-z]|Cyto[A-Z][a-z]|Thera[A-Z]?[a-z])"
    r"|(?:[Bb]io|[Pp]harma|[Pp]harm|[Tt]hera|[Mm]edica|[Gg]en[eo]mics|[Gg]enix|[Gg]enetix|[Gg]enics|[Bb]iotech|[Tt]herapeutics|[Vv]ax|[Vv]acc|[Zz]yme|[Cc]yte|"
    r"[Oo]nc|[Bb]ioscience|[Bb]iosciences|[Bb]iologics|[Bb]ionics|[Mm]abs|RNA|DNA|Tx|Rx|Dx|Bx|Gen|Cell|Med|Labs)$"
)
"""Capitalised words that look coined for a company: SynaptixBio, Stablepharma, CytoRecovery."""

SHAPE_NOT = frozenset(
    ["biotech", "cambio", "folio", "portfolio", "radio", "studio", "ratio", "audio", "video", "physio", "biopharma", "pharma", "thera", "mrna", "sirna", "crna", "trna", "cdna", "biomed", "hydrogen", "oxygen", "nitrogen", "antigen", "pathogen", "collagen", "glycogen", "estrogen", "androgen", "carcinogen", "allergen", "halogen", "mutagen", "stem-cell", "t-cell", "rubio", "fabio", "silvio", "antonio", "ohio", "tokio", "bilbao", "servio", "eusebio", "toribio", "macrobio", "microbio", "biden", "biomedica", "oncology", "immunology", "neurology", "immune", "immunity", "immunotherapy", "immuno-oncology", "biopharmaceutical", "biopharmaceuticals", "therapy", "therapies", "therapeutic", "therapeutics", "medical", "medica", "biomarkers", "biomarker", "biotechnologies", "biology", "biological", "bioscience", "biosciences", "biologics", "genomics", "cambiopharma", "copenhagen", "nanologen", "novgen", "erlangen", "groningen", "goettingen", "tübingen", "tubingen", "solingen", "esslingen", "reutlingen"]
)
