"""The words by which names of organisations are told: what ends them, what begins them, what never belongs to them."""

from __future__ import annotations

import re

from watcher.annotate.word_lists import word_list
from watcher.model import PartyKind

_C, _F, _U, _G, _I = PartyKind.COMPANY, PartyKind.FUND, PartyKind.UNIVERSITY, PartyKind.GOVERNMENT, PartyKind.INSTITUTE


def _all(kind: PartyKind, names: str) -> dict[str, PartyKind]:
    return dict.fromkeys(names.split(), kind)


LEGAL = word_list("LEGAL")
"""Legal forms, without dots and case; only with a capital they end a name."""

COMPANY_HEADS = {
    **_all(
        _C,
        "pharma pharmaceutical pharmaceuticals pharmaceutica farmaceutici farmaceutica "
        "farma pharmaceuticals therapeutics biotherapeutics "
        "immunotherapeutics radiopharma radiopharmaceuticals bioscience biosciences "
        "biotech biotechnology biotechnologies biotec "
        "biopharma biopharmaceutical biopharmaceuticals biologics biological biologicals "
        "biomedical biomedicals biomedicine biomed bio "
        "medicines medicine medical medtech genomics genetics oncology diagnostics "
        "vaccines labs lab laboratories laboratorios "
        "laboratoires technologies technology tech sciences science lifesciences healthcare "
        "health holdings holding group gruppe groupe "
        "industries solutions systems devices robotics robots immunology immuno neuro "
        "neuroscience neurosciences dx rx instruments "
        "biosystems bioworks biosolutions bioengineering electronics semiconductor "
        "semiconductors energy motors foods brands products software "
        "logistics airlines chemicals chemical materials airways studios media publishing enterprise",
    ),
    **_all(_F, "capital ventures venture partners fund funds investments investors equity advisors bank vc angels"),
}
"""Last words of names of companies and investors, folded."""

LOOSE_HEADS = word_list("LOOSE_HEADS")
"""Heads that also begin or fill other names: they end a name only where no further capitalised word follows."""

BODY_HEADS = {
    **_all(_U, "university universität universite universidad università universidade college polytechnic"),
    **_all(
        _I,
        "institute institut institution hospital hospitals clinic academy foundation "
        "laboratory center centre consortium "
        "association society museum network council-of hospitalet observatory trust alliance federation chamber",
    ),
    **_all(
        _G,
        "ministry commission bureau government authority administration committee agency "
        "department embassy consulate office council "
        "municipality senate parliament secretariat directorate customs court",
    ),
}
"""Last words of names of universities, institutes and public bodies, folded."""

FRONT_HEADS = {
    **_all(
        _U,
        "university universität universita universidad universite universidade université "
        "universität college school faculty",
    ),
    **_all(
        _G,
        "ministry department ministerio ministero ministère ministere ministério ayuntamiento "
        "government governo gobierno municipality "
        "secretariat consejeria xunta diputacion prefeitura camara mairie bureau office "
        "board commission embassy junta generalitat comune concello diputacio embajada "
        "ambasciata "
        "state-council",
    ),
    **_all(_F, "bank"),
    **_all(
        _I,
        "institute institut instituto istituto hospital academy centre center fundacion "
        "fondazione fundacao society association "
        "asociacion federation chamber foundation council",
    ),
}
"""First words of names that go on with "of" (de, di …)."""

TOPICS = word_list("TOPICS")
"""Words that stand beside "and" inside the name of a public body."""

TITLES = word_list("TITLES")

BREAKS = word_list("BREAKS")
"""Words that never belong to a name read leftwards from its last word."""

COMMON = word_list("COMMON")
"""Ordinary words that are capitalised at the start of sentences and in headlines: no names by themselves."""

ACTS = word_list("ACTS")
"""Verbs that follow the name of an organisation in news of deals and money."""

SHAPE = re.compile(
    r"^(?:Bio[A-Z][a-z]|Immuno[A-Z][a-z]|Immunoph|Onco[A-Z][a-z]|Neuro[A-Z][a-z]|Gene[A-Z][a-z]|"
    r"Cyto[A-Z][a-z]|Thera[A-Z][a-z])"
    r"|(?:[Bb]io|[Pp]harma|[Pp]harm|[Tt]hera|[Mm]edica|[Gg]en[eo]mics|[Gg]enix|[Gg]enetix|"
    r"[Gg]enics|[Bb]iotech|[Tt]herapeutics|[Vv]ax|[Vv]acc|[Zz]yme|[Cc]yte|"
    r"[Oo]nc|[Bb]ioscience|[Bb]iosciences|[Bb]iologics|[Bb]ionics|[Mm]abs|RNA|DNA|Tx|Rx|Dx|Bx|Gen|Cell|Med|Labs)$"
)
"""Capitalised words that look coined for a company: SynaptixBio, Stablepharma, CytoRecovery."""

SHAPE_NOT = word_list("SHAPE_NOT")

CAMEL = re.compile(
    r"^(?!Mc|Mac|De|Di|Da|La|Le|Van|Fitz|O['’]|iPhone|WeChat|YouTube|LinkedIn|"
    r"PowerPoint|NewCo|License|JavaScript|eCom)"
    r"[A-Z]?[a-z]+[A-Z][a-z]+[A-Za-z0-9]*$"
)
"""Inner capitals as companies write themselves; also platforms, which `THING_NEXT` tells."""

THING_NEXT = word_list("THING_NEXT")
"""After a coined word these make it the name of a thing, an event or a place."""

AUXILIARY = word_list("AUXILIARY")

DOINGS = word_list("DOINGS")
"""After "will", "may" or "is" these are what companies do."""

MODALS = frozenset(("will", "may", "can", "would", "could", "shall", "is", "are"))

FIRM_NOUNS = word_list("FIRM_NOUNS")
"""Right before a name, or in its apposition, these make it a company: "seed house X", "X, a maker of …"."""

TICKER = re.compile(
    r" ?\((?:(?:NASDAQ|Nasdaq|NYSE|LSE|AIM|ASX|HKEX|SEHK|TSE|TYO|KOSDAQ|KOSPI|KRX|SIX|OMX|STO|CPH|OSE|HEL|Euronext|EPA|"
    r"AMS|EBR|ETR|FRA|BIT|BME|TSXV?|SGX|SHA|SHE|TWSE|TPEX|BSE|NSE|OTC\w*|TASE|TADAWUL)\b[^:)]{0,12}: ?[\w.-]+"
    r"|\d{4,6}\.\w{2})"
)
"""A stock exchange and a ticker after a name."""

_FIRMS = "|".join(sorted((re.escape(noun) for noun in FIRM_NOUNS), key=len, reverse=True))
APPOSED = re.compile(
    r", (?:(?:founded|based|headquartered|listed|spun (?:out|off)|incorporated) "
    r"|which (?:makes|develops|sells|owns|manufactures) "
    rf"|(?:an?|the) (?:(?!at |of |with |who |from |for |in )[\w-]+ ){{0,5}}(?:{_FIRMS})\b(?!['’]))"
)
OWNED = re.compile(
    r"['’]s (?:[\w/-]+ ){0,3}(?:antibod(?:y|ies)|drug|candidate|platform|inhibitor|vaccine|pill|biosimilar|conjugate|"
    r"compound|molecule|peptide|toolkit|subsidiary|shares|stock|pipeline|headquarters|chief executive|board)\b"
)
"""What follows the possessive of a company."""

EPONYMS = word_list("EPONYMS")
"""Names of diseases: what is theirs is no company's."""

DEAL_NOUNS = word_list("DEAL_NOUNS")
"""Before "to", "with", "from" or "by" X: X is an organisation."""

HAN_BEFORE = re.compile(r"(?:[与與和给給由向从從跟同购購]|公司|企业|企業|机构|伙伴|夥伴|授权|授權)$")
HAN_AFTER = re.compile(
    r"(?:公司|宣布|宣佈|支付|完成|签订|簽訂|签署|簽署|达成|達成|将|將|获得|獲得|取得|"
    r"筹得|籌得|授予|收购|收購|最多|负责|負責|共同|合作|旗下|领投|領投|跟投|拥有|擁有|"
    r"首付)"
)
"""Chinese words around a name in Latin letters that make it an organisation."""
