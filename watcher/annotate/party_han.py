"""Organisations in Chinese, and in Japanese and Korean as far as suffixes tell.

The longest known name wins; else a telling suffix, read leftwards to the edge of the name.
"""

from __future__ import annotations

import re
from functools import lru_cache

from watcher.annotate.gazetteer import east_asian, fold_han, gazetteer, mask_names
from watcher.annotate.party_names import Organisation, key_of, known_names
from watcher.model import PartyKind, PlaceKind

_C, _F, _U, _G, _I = PartyKind.COMPANY, PartyKind.FUND, PartyKind.UNIVERSITY, PartyKind.GOVERNMENT, PartyKind.INSTITUTE
_SUFFIXES: tuple[tuple[PartyKind, str], ...] = (
    (
        _C,
        "股份有限公司|有限责任公司|有限公司|株式会社|公司|制药厂|药厂|药业|制药|生物医药科技|"
        "生物制药科技|生物医药|生物制药|生物科技|生物技术|医学科技|医药科技|医疗科技|"
        "生命科技|"
        "生命科学|健康科技|医疗器械|医药集团|药业集团|科创集团|产业集团|控股集团|生物|"
        "医药|医疗|科技|集团|控股|基因|疫苗|生技|种业|生科|智能|药明|诊断|制薬|薬品|グループ|ファーマ|"
        "バイオ",
    ),
    (
        _F,
        "产业投资基金|投资基金|产业基金|创投基金|创新基金|大健康基金|母基金|基金会|"
        "基金|资本|创投|投资集团|投资|资产管理|资产|创新投资|银行|保险",
    ),
    (_U, "大学医学院|医科大学|中医药大学|大学|学院|大学校"),
    (
        _I,
        "国家重点实验室|重点实验室|实验室|研究总院|研究院|研究所|科学院|附属医院|人民医院|"
        "医院|协会|学会|商会|联合会|促进中心|发展中心|研究中心|医学中心|创新中心|疾控中心|"
        "理事会|사업단|협회|병원|연구원|재단",
    ),
    (
        _G,
        "人民政府办公厅|人民政府|市政府|省政府|区政府|县政府|州政府|政府|管理委员会|"
        "管委会|市委员会|委员会|发改委|国资委|卫健委|商务局|科技局|投促局|投资促进局|"
        "药监局|管理局|监管局|"
        "经信局|工信局|信息化局|商务厅|科技厅|信息化厅|信息化庁|卫生厅|外办|外事办公室|"
        "总领事馆|领事馆|大使馆|市委|省委|区委|县委|市役所|県庁|시청|도청|구청|시의회",
    ),
)
_KIND = {word: kind for kind, words in _SUFFIXES for word in words.split("|")}
_ONE = "|".join(sorted(map(re.escape, _KIND), key=len, reverse=True))
_SUFFIX = re.compile(f"(?:{_ONE})+(?:[(（][\u4e00-\u9fff]{{2,5}}[)）](?:{_ONE})+)?")
_FULL_TAIL = re.compile(
    f"(?:{_ONE})*?(?:[(（][\\u4e00-\\u9fff]{{2,4}}[)）])?(?:股份有限公司|有限责任公司|"
    f"有限公司|公司|集团)|(?:生物制药|制药|药业|生物科技|生物|医药|科技)"
    "(?:[(（][\\u4e00-\\u9fff]{2,4}[)）])?|[(（][\\u4e00-\\u9fff]{2,4}[)）](?=有限|生物|制药|医药)"
)
_LAST = re.compile(f"(?:{_ONE})$")
_HANGUL_COMPANY = re.compile(
    r"(?<![가-힣A-Za-z])[가-힣A-Za-z0-9]{1,10}(?:바이오로직스|바이오텍|바이오사이언스|"
    r"사이언스|바이오|제약|약품|테라퓨틱스|파마|생명과학|테크놀로지|셀|홀딩스|벤처스|"
    r"인베스트먼트|메디칼|헬스케어)"
    r"(?=[은는이가을를와과의에도,.)\s]|에서|으로|$)"
)
_HANGUL_BODY = re.compile(
    r"(?<![가-힣A-Za-z])[가-힣]{2,12}(?:대학교|대|협회|병원|연구원|연구소|재단|진흥원)(?=[은는이가을를와과의에도,.)\s]|"
    r"$)"
)
_HANGUL_NOT = re.compile(
    r"^(?:국내|해외|글로벌|첨단|차세대|한국의)?(?:바이오|제약|의약품|세대|시대|최대|"
    r"확대|상대|절대|기대|무대|반대|현대|막대|연대|군대|초대|후대|침대)$"
)

_STOP = re.compile(
    r"[^\u3007\u4e00-\u9fffA-Za-z0-9·•（）()\u30a1-\u30fa\u30fc-]"
    r"|以及|其中|发布|印发|出台|制定|审议|旗下|宣布|公告|签署|签订|签约|达成|完成|"
    r"举办|召开|联合|携手|牵手|收购|授予|授权|获得|日前|近日|今日|昨日|今年|去年|本月|"
    r"上周|日电|记者|获悉|由于|通过|围绕|根据|参观|"
    r"走访|考察|赴|出席|落户|入驻|位于|来自|包括|作为|成为|推动|推进|支持|建设|打造|"
    r"开展|组织|成立|设立|发起|领投|跟投|参投|负责人|董事长|总经理|总裁|所长|院长|"
    r"书记|市长|"
    r"首席|创始人|控股子公司|全资子公司|附属公司|子公司|母公司|其|该|这|那|此|各|某|"
    r"每|已|将|与|向|对|(?<!自)由|在|于|(?<!华)为|把|被|从|给|的|了|是|等|称|并|但|"
    r"而|或|就|也|还|又|让|(?<!天)使|到|至|"
    r"有|及|同|跟|以|会|可|再|更|最|曾|仍|均|都(?!市)|(?<!数)据|经(?![济信开贸营])|"
    r"获|拟|派|原|新成立|美国公司|(?<!未)来|去|希望|继续|加深|加强|拓展|重复|梳理|"
    r"依托|具备|符合|精选|放进|第一批|第二批|计划|引进|引入|吸引|受|药企|企业|转向|"
    r"布局|投向|聚焦|瞄准|围绕|涵盖|涉及|覆盖|属于|关注|看好|促成|落地|对接|服务|培育|"
    r"孵化|专注|致力|从事|主营|生产|销售|研发|开发|获批|上市|控制|任职|加入|离开|创办|"
    r"创立|运营|管理|持有|间接|合计|其余|整合|集聚|构建|形成|建立|发展|合作方|被许可方|"
    r"许可方|统计|分析|完善|提升|优化|深化|扩大|增加|带动|助力|赋能|引领|代表|例如|"
    r"比如|譬如|诸如|主席|会长|校长|院士|教授|博士|先生|女士|员工|股东|客户|伙伴|对手|"
    r"竞争|前身|据悉|消息|表示|认为|一家|两家|三家|多家|十余家|(?<=[0-9一二三四五六七八九十两多几余])[家个项名位次]|"
    r"(?<=[亿万0-9余多])元|(?<=[0-9一二三四五六七八九十])[月日年股]|と|の|は|が|を|"
    r"に|で|も|や"
)
_GENERIC = re.compile(
    r"^(?:中国|国内|国际|全国|全球|海外|国外|外国|跨国|本土|当地|地方|国家|国家级|"
    r"省级|市级|大型|中小|上市|有关|相关|合作|创新|高端|先进|智能|数字|现代|生物|医药|"
    r"生命|健康|医疗|医学|科学|科技|技术|制药|"
    r"药品|药物|新药|产业|工业|企业|化工|食品|农业|细胞|基因|临床|材料|合成|重点|第一|"
    r"二级|一级|三级|股权|风险|固定|社会|民间|私募|创业|总|大|小|新|老|高|多|双|本|"
    r"我|贵|分|母|子|和|与|及|上|下|"
    r"附属|全资|控股|投资|产品|专业|综合|公立|民营|央企|国企|知名|著名|头部|龙头|传统|"
    r"中药|化学|制造|装备|信息|网络|人工|绿色|大健康|抗体|疫苗|单抗|研发|研究|应用|"
    r"转化|教育|文化|创意|金融|"
    r"经济|贸易|市|省|区|县|州|政|人民|各级|中外|双方|三方|多方|领先|优秀|核心|关键|"
    r"主要|之间|产学研|医院|高校|院校|大学|机构|投|融|注册|固定|直接|间接|追加|计划|"
    r"总计|累计|持续|意向|招商|吸引|加大|引|外商|"
    r"港澳|台|欧美|东方|西部|东部|中部|南方|北方|环球|世界|欧洲|亚洲|非洲|美洲|北美|"
    r"南美|东南亚|中东|拉美|分析|统计|共有|首家|新型|中央|联邦|国务院|行政|外国|州|"
    r"郡|当时)*$"
)
_LEFT_CUT = re.compile(
    r"^.*(?:和|、|是|系|即|像|让|请|帮|助力|采用|建立|构建|形成|加强|深化|促进|扩大|"
    r"提升|发展|探索|重点|引进|引入|一批|首批|多个|部分|不少|越来越多)"
)
_TOPIC_AND = re.compile(r"((?:经济|工业|发展|科学|文化|商务|信息|卫生|教育|住房|人力资源|市场|交通|规划|自然资源))和")
_ROLE_TAIL = re.compile(
    r"^(?:家|产业|制造|领域|行业|企业|产品|药物|疗法|项目|板块|专业|制品|材料|学家|"
    r"技术领域|园|城|谷|港|岛|街道|指数|反应|样本|创新药|研发|器械|股|IPO)"
)
_SHORT_TAIL = frozenset(
    {
        "生物",
        "医药",
        "医疗",
        "科技",
        "基因",
        "疫苗",
        "智能",
        "诊断",
        "集团",
        "控股",
        "投资",
        "资产",
        "基金",
        "资本",
        "创投",
        "生命科学",
        "生物医药",
        "生物科技",
        "生物技术",
        "バイオ",
        "医学科技",
        "药明",
        "银行",
        "保险",
        "学院",
    }
)
_INNER_BODY = re.compile(r"[\u4e00-\u9fff]{0,8}?(?:附属)?(?:医院|研究院|研究所|产业投资基金)(?<![与和及、]..)")
_LISTED = re.compile(
    r"(?:^|[\s,，。;；、:：()（）「」“”!！?？]|由|与|和|及|予|给|近日|日前)([\u4e00-\u9fff]{2,6})(?:-[A-Z]{1,2})?"
    r"(?=[(（](?:(?:股票|证券)?代[码号])?[:：]?\d{4,6}(?:\.[A-Z]{2})?[)）])"
)
"""A name with the number of a listed company behind it: "昂利康(002940)"."""
_NAME_MOST = 18
_SUMS = ("和", "与", "及", "总", "总计", "累计", "合计", "计划", "固定", "追加", "年")


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = fold_han(text)
        self.masked = mask_names(self.text)
        self.taken = bytearray(len(text))
        self.found: list[Organisation] = []

    def read(self) -> list[Organisation]:
        self._known()
        for match in _SUFFIX.finditer(self.text):
            self._suffixed(match.start(), match.end(), match.group())
        for pattern, kind in ((_HANGUL_COMPANY, _C), (_HANGUL_BODY, _I)):
            for match in pattern.finditer(self.text):
                if not _HANGUL_NOT.match(match.group()):
                    kind = _U if match.group().endswith(("대학교", "대")) else kind
                    self._take(match.start(), match.end(), kind)
        for match in _LISTED.finditer(self.text):
            self._take(match.start(1), match.end(1), _C)
        self._short_forms()
        return self.found

    def _take(
        self,
        start: int,
        end: int,
        kind: PartyKind,
        *,
        name: str = "",
        key: str = "",
        country: str | None = None,
        seat: str = "",
    ) -> None:
        if end > start and not any(self.taken[start:end]):
            self.taken[start:end] = b"\1" * (end - start)
            self.found.append(Organisation(start, end, kind, name, key, country, seat))

    def _known(self) -> None:
        _, _, names, longest = known_names()
        text, i, count = self.text, 0, len(self.text)
        while i < count:
            most = longest.get(text[i : i + 2])
            step = 1
            for size in range(min(most or 0, count - i), 1, -1):
                known = names.get(text[i : i + size])
                if known:
                    end = self._legal_end(i + size)
                    begin = self._seat_before(i)
                    self._take(begin, end, known.kind, name=known.name, key=key_of(known.name), country=known.country)
                    step = end - i
                    break
            i += step

    def _legal_end(self, end: int) -> int:
        """Takes what the full name adds to a known short one: "君实生物|医药科技股份有限公司"."""
        match = _FULL_TAIL.match(self.text, end)
        return match.end() if match else end

    def _seat_before(self, start: int) -> int:
        """Takes the city right before a known name into it ("深圳|微芯生物"), but no country ("美国|辉瑞")."""
        for size in range(2, min(8, start) + 1):
            senses = gazetteer().han.senses(self.text[start - size : start])
            if senses and "〇" in self.masked[start - size]:
                entry = gazetteer().entry(senses[0].row)
                whole = start - size == 0 or self.masked[start - size - 1] != "〇"
                if whole and entry.kind in (PlaceKind.CITY, PlaceKind.REGION) and self.text[start - 1] not in "市省":
                    return start - size
        return start

    def _suffixed(self, at: int, end: int, suffix: str) -> None:
        if any(self.taken[at:end]) or (_ROLE_TAIL.match(self.text[end : end + 4]) and suffix in _SHORT_TAIL):
            return
        start = self._left_edge(at)
        base = self.text[start:at]
        last = _LAST.search(suffix)
        kind = _KIND[last.group()] if last else PartyKind.COMPANY
        if kind is _U and _INNER_BODY.match(self.text, end):
            return  # "四川大学|华西医院": the longer name is found by its own suffix
        seat, bare = self._seat(base)
        limit = 5 if suffix in _SHORT_TAIL else 9 if suffix == "公司" else _NAME_MOST
        if len(re.sub(r"[（(].*?[)）]", "", bare)) > limit:
            return
        if self._names_one(bare, kind, seated=bool(seat)):
            self._take(start, end, kind, seat=seat)

    @staticmethod
    def _names_one(bare: str, kind: PartyKind, *, seated: bool) -> bool:
        """Is `bare`, the name without seat and suffix, more than generic words? A seat is enough for public bodies."""
        generic = _GENERIC.match(bare) is not None
        if kind is PartyKind.GOVERNMENT:
            return seated or not generic
        if not bare:
            return seated and kind in (_U, _I)
        if (len(bare) < 2 and not seated) or bare.endswith(_SUMS):
            return False
        return not generic or (seated and kind in (_U, _I))

    def _left_edge(self, at: int) -> int:
        """Where the name that ends before `at` may begin: after the last word that no name contains."""
        low = max(0, at - _NAME_MOST - 6)
        window = self.masked[low:at]
        edge = 0
        for match in _STOP.finditer(window):
            edge = match.end()
        for opening, closing in (("(", ")"), ("（", "）")):
            at_bracket = window.rfind(opening)
            if at_bracket >= edge and closing not in window[at_bracket:]:
                edge = at_bracket + 1
            at_bracket = window.rfind(closing)
            if at_bracket >= edge and opening not in window[edge:at_bracket]:
                edge = at_bracket + 1
        cut = _LEFT_CUT.match(_TOPIC_AND.sub(r"\1〇", window[edge:]))
        if cut and len(window) - edge - cut.end() >= 2 and cut.end() >= 3:
            edge += cut.end()
        for i in range(at - 1, low + edge - 1, -1):
            if self.taken[i]:
                return i + 1
        return low + edge

    def _seat(self, base: str) -> tuple[str, str]:
        """The place that a name begins with ("上海翰森"), as its key, and what is left of the name."""
        index, rest, seat = gazetteer().han, base, ""
        for _ in range(3):
            size = next(
                (n for n in range(min(index.starts.get(rest[:2], 0), len(rest)), 1, -1) if rest[:n] in index.rows), 0
            )
            if not size:
                break
            seat = gazetteer().entry(index.senses(rest[:size])[0].row).key
            rest = rest[size:].lstrip("市省区县州")
        return seat, rest

    def _short_forms(self) -> None:
        short: dict[str, Organisation] = {}
        for one in self.found:
            if one.kind not in (_C, _F):
                continue
            written = self.text[one.start : one.end]
            _, bare = self._seat(re.sub(r"[（(].*?[)）]", "", written))
            base = bare
            while (match := _LAST.search(base)) and match.start() >= 2:
                base = base[: match.start()]
            if 2 <= len(base) < len(written) and not _GENERIC.match(base) and base not in gazetteer().han.rows:
                name = one.name or written
                short.setdefault(
                    base,
                    Organisation(one.start, one.end, one.kind, name, one.key or key_of(written), one.country, one.seat),
                )
        if not short:
            return
        pattern = re.compile("|".join(sorted(map(re.escape, short), key=len, reverse=True)))
        for match in pattern.finditer(self.text):
            full = short[match.group()]
            self._take(
                match.start(),
                match.end(),
                full.kind,
                name=full.name,
                key=full.key,
                country=full.country,
                seat=full.seat,
            )


@lru_cache(maxsize=8)
def han_organisations(text: str) -> tuple[Organisation, ...]:
    """Organisations written in Han, kana or Hangul, unordered and without overlaps among themselves."""
    return tuple(_Reader(text).read()) if east_asian(text) else ()
