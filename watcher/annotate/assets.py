"""Drugs, therapies and technologies named in a text: codes, international names by their stems, classes, platforms.

It only names what is written; whether something was licensed is the rules' question.
"""

from __future__ import annotations

import re

from watcher.annotate.gazetteer import east_asian, fold_han, gazetteer, latin_key
from watcher.annotate.party_names import known_names
from watcher.annotate.word_lists import word_list
from watcher.model import Asset, AssetKind, PartyKind, TextField

_EDGE = r"(?<![A-Za-z0-9_.-])"
_CODE = re.compile(
    _EDGE + r"(?:ND-L\d{2}-[a-z]\d{4}|[1-9]?[A-Z]{1,6}(?:[-‑–][A-Z]{1,4})?[-‑–]?\d{2,7}(?:[-‑–]?[A-Za-z]{0,2}\d{0,4})?|"
    r"[1-9][A-Z]{2,4}\d{3,6}"
    r"|[A-Z]{2,5}[-‑–]\d{1,6}[A-Za-z]?|[A-Z]{1,4}\d{1,3}[-‑–][A-Z]{1,3}\d{1,4}|[A-Z]{2,4}[a-z][-‑–]?\d{2,5})"
    r"(?![A-Za-z0-9_]|[.,]\d|[-‑–][A-Za-z0-9]|\s?%)"
)
"""Letters, digits and hyphens as laboratories number their candidates (CMG901, HS-10535, 2MW7141, ND-L02-s0201)."""

_NOT_CODE = re.compile(
    r"(?:COVID|SARS|MERS|H\d{1,2}N|CD|IL|PD|PDL|GLP|GIP|CTLA|HER|EGFR|VEGF|TNF|BRCA|"
    r"KRAS|TIGIT|LAG|TIM|CLDN|FGFR|DLL|GPRC|BCMA|ISO|GMP|GCP|"
    r"ICH|FDA|FY|Q|H|CY|US|USD|RMB|CNY|EUR|HKD|GBP|JPY|HK|NT|SZ|SH|NYSE|NASDAQ|SEC|"
    r"EU|UN|G|A|B|COP|CES|BIO|IP|MP|PM|AM|R|S|P|T|V|W|X|Y|Z|"
    r"TOP|PDE|SGLT|JAK|CDK|MET|TRPM|DPP|IGF|NK|CAR|TCR|HLA|MHC|HPV|HIV|HBV|HCV|RSV|"
    r"MMR|IND|NDA|BLA|PCT|WHO|WO|CN|JP|KR|DE|GB|FR|EP|CAS|"
    r"NCT|ADA|CEACAM|GPC|MUC|ROR|STAT|SHP|PRMT|WRN|POL|PARP|ATR|WEE|KIF|MAT|USP|BCL|"
    r"MCL|MDM|SMARCA|TROP|NECTIN|PSMA|FAP|SSTR|B7|EP|CSF|OX|"
    r"CCR|CXCR|TLR|TYK|BTK|ERK|MEK|RAF|RAS|PI3K|AKT|MTOR|FLT|KIT|RET|ALK|ROS|NTRK|APOE|APOC|PCSK|ANGPTL|MASP|FXI|FVIII|"
    r"Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec|Jan|Feb|No|Vol|Fig|Phase|Class|Page|"
    r"Note|Item|Form|Room|Top|Series|Grade|Type|Factor|pH)"
    r"[-‑–]?\d{1,3}[A-Za-zαβγδ]{0,2}",
    re.IGNORECASE,
)
_NOT_CODE_WHOLE = re.compile(
    r"(?:FY|CY|NCT|US|WO|EP|CN|ISO|NYSE|HKEX|SSE|SZSE|PCT|ZL|Q[1-4])[-‑–]?\d{2,}.*|"
    r"(?:COVID|SARS|MERS|GLP|H\dN)[-‑–]?.*|[A-Z]?[12]\d{3}|[A-Z]\d{1,2}"
    r"|(?:RMB|USD|EUR|GBP|JPY|CNY|HKD|AUD|CAD|SEK|CHF|INR|KRW|R|A|S|C|NT|RM|RS|NZD|"
    r"SGD)\d+.*|(?:MIC|DP|SR|GS|TM|NO|PO|TEL|CD|QQ)[-‑–]?\d+",
    re.IGNORECASE,
)
_GREEK_TARGET = re.compile(
    r"\s*(?:受体|靶点|抗原|受體|靶點|receptor|positive|阳性|陽性|inhibitor|agonist|antagonist)", re.IGNORECASE
)
_ADDRESS = re.compile(r"(?:://|www\.|@)\S*$")
_TICKER = re.compile(r"[（(\[]\s*(?:[A-Z]{2,6}\s*[:：]\s*)?$")
_ROAD = re.compile(r"\b(?:M|A|G|S|B|I|E|N|D|T)\d{1,3}$")

_STEMS = (
    "mab|tinib|rafenib|ciclib|parib|zomib|lisib|degib|sidenib|metinib|brutinib|nib|cept|gliptin|gliflozin|glutide|"
    "tide|paptide|relin|sartan|statin|prazole|prazan|oxaban|gatran|vir|buvir|asvir|"
    "previr|cycline|floxacin|penem|azole|fungin|setron|triptan|gepant|"
    "lukast|dipine|olol|pril|tromab|leucel|autoleucel|parvovec|repvec|siran|rsen|"
    "nersen|mersen|ersen|stat|dustat|tecan|taxel|rubicin|"
    "platin|citabine|poetin|grastim|kinra|limus|tacept|fusp|cogene|gene|lestat|dostat|"
    "orexant|peridone|piprazole|caine|mycin|"
    "zumab|ximab|limab|mumab|kimab|tamig|tansine|vedotin|deruxtecan|govitecan|tesirine|ravtansine|ozogamicin|pamirine"
)
_INN = re.compile(
    r"(?<![A-Za-z])[A-Za-z]?[a-z]{2,16}(?:"
    + _STEMS
    + r")(?:[ -](?:vedotin|deruxtecan|govitecan|tesirine|ravtansine|ozogamicin|autoleucel|[a-z]{4}))?(?![A-Za-z])"
)
_NOT_INN = word_list("NOT_INN")
_DROP_TAIL = re.compile(
    r"[ -](?!(?:vedotin|deruxtecan|govitecan|tesirine|ravtansine|ozogamicin|autoleucel)\b)[a-z]{4}$"
)
_NAMED_TAIL = re.compile(r"-[a-z]{4}$")

_HAN_INN = re.compile(
    r"(?:([\u4e00-\u9fff]{2,5})(?:珠单抗|利尤单抗|妥珠单抗|单抗|替尼|西普|格列汀|格列净|"
    r"列净|那肽|鲁肽|帕肽|西利|帕利|佐米|紫杉醇|他汀|沙坦|沙班|"
    r"拉唑|培南|沙星|韦|伐他汀|洛韦|替康|曲妥珠|司他|度胺|铂))"
)
_HAN_INN_EDGE = re.compile(
    r"^(?:.*(?:的|款|种|与|和|及|为|是|药|将|对|把|即|产品|药物|注射液|联合|用|以|"
    r"靶向|双|抗|代|国产|口服|新型|首个|创新|原研))"
)

_TARGET = (
    r"(?:PD-?(?:L)?-?1|CTLA-?4|HER-?[23]|EGFR|VEGF(?:-?[A-D])?|BCMA|CD\d{1,3}|IL-?\d{1,2}[AR]?α?|"
    r"TNF-?α?|Claudin ?18\.2|CLDN18\.2|TROP-?2|GPRC5D|LAG-?3|TIGIT|"
    r"TIM-?3|4-1BB|B7-?H[34]|DLL3|Nectin-?4|FGFR\w*|c-?MET|TSLP|GLP-?1R?|GIP|FcRn|"
    r"KRAS(?: ?G12[CD])?|BTK|JAK\d?|PARP\d?|CDK\d(?:/\d)?|"
    r"TYK2|SHP2|DPP-?1|ROR1|PSMA|NKG2A|OX40L?|APRIL|BAFF|AAV\d?)"
)
_CLASS = re.compile(
    rf"(?:anti-{_TARGET}(?:/{_TARGET})?(?: (?:monoclonal|bispecific|single-domain|drug "
    rf"conjugate))?(?: (?:antibod(?:y|ies)|mAbs?|ADCs?|nanobod(?:y|ies)|therap(?:y|"
    rf"ies)))?"
    rf"|{_TARGET}(?:[/x×-]{_TARGET}){{0,2}} (?:(?:receptor|small[- ]molecule|oral|bispecific|"
    rf"selective|covalent|dual|monoclonal) ){{0,2}}"
    r"(?:inhibitors?|agonists?|antagonists?|antibod(?:y|ies)|bispecifics?|ADCs?|CAR-?Ts?(?: "
    r"(?:cell )?therap(?:y|ies))?|degraders?|blockers?|vaccines?)"
    r"|(?:bispecific|trispecific|monoclonal|single-domain|multispecific|neutrali[sz]ing|"
    r"conditionally active|dual) antibod(?:y|ies)(?:[- ]drug conjugates?)?"
    r"|antibody[- ](?:drug|oligonucleotide|radionuclide) conjugates?|antibody conjugated "
    r"drugs?|\bADCs?\b(?! Therapeutics)|nanobod(?:y|ies)"
    r"|(?:allogeneic|autologous|in vivo|dual|armou?red|universal) CAR-?(?:T|NK)(?:[- ]cells?)?(?: "
    r"therap(?:y|ies))?|\bCAR-?(?:T|NK)(?:[- ]cells?)?(?: therap(?:y|ies)| products?)?"
    r"|TCR-T(?: (?:cell )?therap(?:y|ies))?|(?:gene|cell|stem[- ]cell|RNA|mRNA|radioligand|"
    r"radiopharmaceutical|peptide|phage|enzyme replacement)[- ]therap(?:y|ies)"
    r"|mRNA vaccines?|siRNAs?(?: (?:drugs?|therap(?:y|ies)|candidates?))?|antisense "
    r"(?:drugs?|oligonucleotides?)|(?:GLP-1|incretin)(?: receptor)? (?:agonists?|analogues?|"
    r"drugs?)"
    r"|(?:recombinant|subunit|inactivated|conjugate|viral vector|COVID-19|HPV|flu|"
    r"influenza|RSV|malaria|dengue|streptococcal) vaccines?"
    r"|[a-z]{4,20}(?: [A-Z0-9]{1,3})? receptor (?:agonists?|antagonists?|inhibitors?)|"
    r"[a-z]{4,18} [A-Z] (?:agonists?|antagonists?)"
    r"|biosimilars?(?: candidates?)?|T[- ]cell engagers?|molecular glues?(?: degraders?)?|"
    r"PROTACs?|oncolytic virus(?:es)?|exosomes?|long-acting peptides?)",
    re.ASCII,
)
_HAN_CLASS = re.compile(
    rf"(?:(?:抗)?{_TARGET}(?:[/x×]{_TARGET}){{0,2}}(?:受体)?(?:小分子|口服|单域|双特异性|"
    rf"双|单克隆|靶向|长效)?(?:受体)?(?:激动剂|抑制剂|拮抗剂|抗体偶联药物|抗体|单抗|"
    rf"双抗|三抗|融合蛋白|疫苗|降解剂|CAR-?T(?:细胞)?(?:疗法|产品|治疗)?|ADC)"
    r"|双特异性抗体|双功能抗体|双抗(?:药物)?|三抗|单克隆抗体|抗体偶联药物|抗体药物偶联物|"
    r"核药|放射性核素偶联药物|CAR-?T(?:细胞)?(?:疗法|产品|治疗)?|TCR-T(?:细胞)?(?:疗法)?"
    r"|干细胞(?:疗法|治疗|药物)|基因(?:疗法|治疗)(?:药物|产品)?|细胞(?:疗法|治疗)(?:药物|"
    r"产品)?|小核酸药物|siRNA(?:药物|疗法|候选药)?|mRNA疫苗|重组[\u4e00-\u9fff]{2,6}疫苗|"
    r"溶瘤病毒"
    r"|多肽(?:药物)?|长效多肽|生物类似药|小分子[\u4e00-\u9fffA-Z0-9-]{0,8}(?:激动剂|"
    r"抑制剂|拮抗剂)|纳米抗体|单域抗体|减重产品组合|胰岛素|血液制品)"
)
_PLATFORM = re.compile(
    r"(?<![\w-])(?:[A-Z][\w®™-]*|[a-z]+[A-Z]\w*)(?:[®™])?(?: [A-Z][\w®™-]*){0,2}(?: "
    r"(?:drug|antibody|discovery|technology|delivery|gene|cell|AI|mRNA|vector|"
    r"screening|editing|therapy|proprietary|peptide|editing|conjugation|linker|manufacturing|"
    r"development|computational|payload|protein)){0,3} [Pp]latforms?(?![\w-])"
)
_PLATFORM_NOT = frozenset(
    [
        "the",
        "a",
        "an",
        "its",
        "this",
        "our",
        "their",
        "that",
        "these",
        "his",
        "new",
        "joint",
        "online",
        "digital",
        "it",
        "both",
        "such",
        "international",
        "national",
        "regional",
        "public",
        "service",
        "cooperation",
        "one",
        "two",
        "other",
        "another",
        "innovation",
        "exchange",
        "trading",
        "various",
        "several",
        "information",
        "european",
        "chinese",
        "global",
        "key",
        "technology",
        "drug",
        "antibody",
        "vaccine",
    ]
)
_HAN_PLATFORM = re.compile(
    r"(?:[A-Za-z][A-Za-z0-9®™+-]{2,20}|[\u4e00-\u9fff]{2,6}(?:给药|递送|药物AI|偶联|"
    r"基因编辑|抗体|表达|筛选|发现))(?:技术|抗体|药物|递送)?平台"
)
_HAN_PLATFORM_LEFT = re.compile(r"^.*(?:利用|运用|基于|自主|依托|通过|其|的|和|与|及|用|以)")


def _codes(text: str) -> list[tuple[int, int, AssetKind]]:
    found = []
    for match in _CODE.finditer(text):
        word = match.group()
        if not any(c.isdigit() for c in word) or _NOT_CODE.fullmatch(word) or _NOT_CODE_WHOLE.fullmatch(word):
            continue
        if _ADDRESS.search(text[max(0, match.start() - 60) : match.start()]):
            continue
        after = text[match.end() : match.end() + 14]
        if _TICKER.search(text[max(0, match.start() - 14) : match.start()]) and not re.match(r"\s*[,，、)）;]", after):
            continue
        if after[:3].upper() in (".HK", ".SH", ".SZ", ".US") or (_GREEK_TARGET.match(after) and len(word) <= 4):
            continue
        if _ROAD.fullmatch(word) and len(word) <= 3:
            continue
        found.append((match.start(), match.end(), AssetKind.CODE))
    return found


def _names(text: str) -> list[tuple[int, int, AssetKind]]:
    found = []
    for match in _INN.finditer(text):
        word, end = match.group(), match.end()
        head = re.split(r"[ -]", word)[0]
        if head.lower() in _NOT_INN or len(head) < 6:
            continue
        if (" " in word and _DROP_TAIL.search(word)) or ("-" in word and not _NAMED_TAIL.search(word)):
            end = match.start() + len(head)
        if head[0].isupper() and not _STRONG_STEM.search(head):
            continue
        if _stem_fits(head):
            found.append((match.start(), end, AssetKind.INN))
    return found


_STRONG_STEM = re.compile(
    r"(?:mab|tinib|ciclib|parib|cept|glutide|patide|gliptin|gliflozin|leucel|parvovec|siran|tecan|zomib|prazan)$"
)
_LOOSE = re.compile(
    r"(?:[a-z]{3,}(?:semaglu|liraglu|tirzepa|retatru|exena|glu|pa|reno|no)tide|[a-z]{3,}(?:dustat|"
    r"lestat|dostat|inostat)|[a-z]{4,}parvovec)$"
)


def _stem_fits(word: str) -> bool:
    low = word.lower()
    if low.endswith("tide"):
        return (
            re.search(r"(?:glutide|lintide|patide|reotide|natide|rutide|latide|motide|otide)$", low) is not None
            and "nucleotide" not in low
        )
    if low.endswith("stat"):
        return re.search(r"(?:dustat|inostat|lestat|dostat|omostat|nastat|xostat)$", low) is not None
    if low.endswith("gene"):
        return re.search(r"(?:cogene|togene|lagene)$", low) is not None and len(low) > 10
    return _LOOSE.search(low) is not None or not re.fullmatch(
        r"(?:con|inter|ex|ac|pre|de|re|per|un)?cept|april|.{0,2}vir", low
    )


_BRAND = re.compile(
    r"(?:\b(?:rights?|licen[sc]e|option|access) to (?:(?:the|its|an?) )?"
    r"(?:(?:drug|medicine|vaccine|treatment|antibody) )?"
    r"|\b(?:drug|medicine|vaccine|treatment|therapy|candidate|blockbuster|biosimilar|sales) (?:of )?)"
    r"([A-Z][a-z]{4,14})(?![\w'’-]| [A-Z])"
)


_OWNED = re.compile(r"\b([A-Z][\w&-]+)['’]s ([A-Z][a-z]{5,13})(?![\w'’-]| [A-Z])")


def _brands(text: str) -> list[tuple[int, int, AssetKind]]:
    """Trade names, told by what stands before them ("rights to Zoladex", "the drug Lynparza", a known company's)."""
    found = []
    for match in _BRAND.finditer(text):
        word = match.group(1)
        key = latin_key(word)
        if key in known_names()[0] or key in word_list("COMMON") or gazetteer().latin.senses(key):
            continue
        found.append((match.start(1), match.end(1), AssetKind.INN))
    for match in _OWNED.finditer(text):  # "AstraZeneca's Lynparza"
        owner, key = known_names()[0].get(latin_key(match.group(1))), latin_key(match.group(2))
        if owner and owner.kind is PartyKind.COMPANY and key not in word_list("COMMON") | word_list("BREAKS"):
            found.append((match.start(2), match.end(2), AssetKind.INN))
    return found


def _classes(text: str, folded: str) -> list[tuple[int, int, AssetKind]]:
    found = [(m.start(), m.end(), AssetKind.CLASS) for m in _CLASS.finditer(text)]
    found += [(m.start(), m.end(), AssetKind.CLASS) for m in _HAN_CLASS.finditer(folded)]
    for match in _PLATFORM.finditer(text):
        head = match.group().split()[0].lower()
        if head not in _PLATFORM_NOT and len(head) > 2:
            found.append((match.start(), match.end(), AssetKind.PLATFORM))
    for match in _HAN_PLATFORM.finditer(folded):
        left = _HAN_PLATFORM_LEFT.match(match.group())
        start = match.start() + (left.end() if left else 0)
        if match.end() - start > 3:
            found.append((start, match.end(), AssetKind.PLATFORM))
    return found


def _han_names(folded: str) -> list[tuple[int, int, AssetKind]]:
    found = []
    for match in _HAN_INN.finditer(folded):
        left = _HAN_INN_EDGE.match(match.group(1))
        start = match.start() + (left.end() if left else 0)
        if match.end() - start >= 4:
            found.append((start, match.end(), AssetKind.INN))
    return found


_ORDER = {AssetKind.PLATFORM: 0, AssetKind.CODE: 1, AssetKind.INN: 2, AssetKind.CLASS: 3}


def assets(text: str, field: TextField) -> tuple[Asset, ...]:
    """Assets of one field in order of appearance, without overlaps; longer ones and codes win."""
    folded = fold_han(text) if east_asian(text) else ""
    spans = _codes(text) + _names(text) + _brands(text) + _classes(text, folded) + _han_names(folded)
    spans.sort(key=lambda s: (s[0], s[0] - s[1], _ORDER[s[2]]))
    result: list[Asset] = []
    last = -1
    for start, end, kind in spans:
        if start < last:
            continue
        written = text[start:end]
        result.append(Asset(field=field, start=start, end=end, text=written, name=fold_han(written), kind=kind))
        last = end
    return tuple(result)
