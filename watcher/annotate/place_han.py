"""Places in Chinese, Japanese and Korean: names of the gazetteer, unknown names by suffix, zones and parks by type."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from watcher.annotate.gazetteer import Entry, Sense, fold_han, gazetteer, mask_names
from watcher.annotate.party_names import Organisation
from watcher.annotate.place_found import Found, choose, made_key
from watcher.annotate.zone_words import CANONICAL_ENGLISH, HAN_PATTERN, han_type
from watcher.model import PartyKind, PlaceKind

_ZONES = (PlaceKind.ZONE, PlaceKind.PARK)
_KANA = re.compile(r"[\u3040-\u30ff]")
_ZONE_CUT = re.compile(r"[^\u3007\u4e00-\u9fffA-Za-z·()（）\uac00-\ud7a3\u30a1-\u30fa\u30fc]")
_HAN = re.compile(r"[\u4e00-\u9fff]")
_HANGUL_AFTER = re.compile(
    r"(?:시청|시의회|시장|시민|시|도청|도지사|도|군수|군청|군|구청|구청장|구|현|성|"
    r"주)?(?:에서|에게|으로|까지|부터|과의|와의|이|가|은|는|을|를|의|와|과|에|로|도|"
    r"·|산|발)?(?![가-힣])"
)
_UNKNOWN = re.compile(
    r"([\u4e00-\u9fff·-]{2,9}?)(市|省|州|县|郡|大区|自治区|町|村|区(?=人民政府|政府|区长|区委)|乡(?=公所))"
    r"(?=政府|副?[市省州县镇町村乡区]长|市委|区委|县委|公所|议会|人民政府|结为|签|缔结|代表团|访问|"
    r"[、,，与和及;；。）)等·]|续签|正式|日前|近日|在|的|は|と|が|の|を)"
)
_SYLLABLES = (
    "阿埃艾爱安奥巴白班邦包保贝本比彼宾波伯勃博布茨楚达戴丹道德登邓狄迪底蒂丁杜敦厄恩尔法凡菲费芬佛弗富盖甘戈哥格根古圭哈豪赫黑亨霍基吉加贾杰"
    "卡凯坎康考柯科克肯孔库夸奎拉腊莱赖兰朗劳勒雷黎里丽利莉林琳伦隆卢鲁路罗洛马玛迈麦曼毛梅门蒙米密缪摩莫墨姆穆拿纳娜瑙内尼宁纽努诺欧帕潘庞培"
    "佩彭皮匹平泼普奇恰乔切琴丘热瑞若撒萨塞赛桑瑟森沙舍圣施史士舒丝斯思苏索塔泰坦汤陶特滕提廷通图托瓦万威维韦魏温翁沃乌武伍西希锡夏谢辛休许雅亚"
    "延耶叶伊依因英尤约泽扎詹兹佐"
)
_SPELT = re.compile(rf"[{_SYLLABLES}·-]{{3,8}}(?=副?(?:市长|州长|省长|郡长)|市政府|市政厅|市议会|州政府|省政府)")
"""A foreign name, spelt by sound, before an office or those who hold it: "考纳斯副市长"."""
_UNKNOWN_LEFT = re.compile(
    r"^.*(?:[与和及同跟、在于到赴访对由从向自将是为的]|以及|包括|其中|日前|国际|城市|来自|前往|当天|会见|签订)"
)
_NOT_NAMES = re.compile(
    r"^.*(?:副|代理|常务|前任|时任|新任|现任|候任|女|姊妹|姐妹|友谊|兄弟|结好|结拜|伙伴|签约|上|城|超|股|都|全|本|我|该|各|两|门|楼|夜|三|四|五|六|七|八|九|十|多|几|"
    r"每|某|此|这|那|外|他|友|好|新|老|大|小|中|县级|地级|直辖|首府|省会|国家|双方|"
    r"地方|沿海|国际|主办|举办|"
    r"进博|资本|房|车|菜|集|黑|牛|熊|港|债|期|汇|楼|九|神|亚|非|欧|澳|美|满|潮|五大|旗舰|原)$"
)
_ZONE_LEFT = re.compile(
    r"^.*(?:[与和及同跟、在于到赴访对由从向将是为的了被把等至并给来]|自(?![贸由主])|"
    r"以及|包括|其中|日前|参观|考察|走访|落户|入驻|位于|来自|打造|建设|共建|建立|建成|"
    r"形成|推进|推动|推介|依托|成为|作为|"
    r"签约|签署|签订|联合|携手|委托|支持|加快|举办|启动|成立|引进|吸引|进驻|走进|出席|"
    r"开幕|通过|利用|旗下|关于|围绕|以|该|本|各|这|那|此|全国|全省|全市|一个|多个|"
    r"宣布|官方|交换|毗邻|当地|邻近|两地|双方|三地|"
    r"首个|首批|国家级|省级|市级|现代|世界级|一流|两大|三大|"
    r"有|会|後|后|年|月|日|个|家|所|项|次|投资|合作|发展|主任|书记|前身|拥有|平台|目前|已|也|还|又|均|都|及其)"
)
_ZONE_GENERIC = re.compile(
    r"^(?:国家|国际|产业|工业|经济|技术|高新|科技|科学|生物|医药|生物医药|创新|生命|"
    r"健康|化工|医疗|器械|现代|农业|综合|特色|专业|核心|重点|若干|众多|其他|有关|相关|"
    r"我|贵|本|该|县|市|区|省|大|小|新|老|"
    r"高|多|各|两|三|大学|城市|旅游|文化|物流|数字|智能|绿色|自由|贸易|自主|全面|改革|"
    r"开发|示范|试点|高端|先进|制造|材料|能源|食品|首|总部|企业|专|双|优势|大健康|"
    r"制药|智慧|国内|中国|全国|全球|一流|主|东|西|南|北|先行)*$"
)
_TITLED = re.compile(
    r"(?:[市区县州省镇乡町村厅局处院校部科议行社会事]长|书记|主任|代表|总裁|经理|教授|大使|领事|委员|议员|博士)"
    r"[李张刘陈杨赵周吴徐孙胡朱林郭梁宋郑谢韩唐冯董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛阎余潘杜戴夏钟汪姜范姚谭廖邹熊陆郝孔崔邱秦史顾侯邵孟龙"
    r"段钱汤尹黎贺赖龚庞樊殷施陶翟颜倪严温芦俞葛伍尤毕聂焦柳邢岳梅莫庄祝涂耿詹关苗凌费纪盛童项裴卢柯阮游]?$"
)
"""What stands before the name of a person: an office, and perhaps the surname."""
_NOT_AFTER_TITLE = re.compile(r"[市省州县区特新高经开与和及、,，在]")
_LANDMARK = re.compile(r"山(?![东西区市县城])|湖(?![南北州区])|寺")
_COMPASS = frozenset(("中部", "北部", "南部", "东部", "西部", "中央", "北区", "南区", "东区", "西区", "中区"))
_WEAK_CUES = re.compile(r"^(?:市(?!场|值|盈|面)|政府|人民政府|市长|高新区|开发区|经开区)")


def _runs_into_hangul(text: str, start: int, end: int) -> bool:
    """Is a Hangul name only a piece of a longer word?"""
    before = text[start - 1] if start else " "
    return "가" <= before <= "힣" or _HANGUL_AFTER.match(text, end) is None


def _kana(char: str) -> bool:
    return "ァ" <= char <= "ヺ" or char == "ー"


class HanReader:
    """One pass over one text; `organisations` are spans in which no place is looked for."""

    def __init__(self, text: str, organisations: Sequence[Organisation], language: str | None) -> None:
        self.text = fold_han(text)
        self.masked = mask_names(self.text)
        self.senses: dict[str, Found] = {}
        self.keys: set[str] = set()
        self.doubtful: set[str] = set()
        self.blocked = bytearray(len(text))
        for one in organisations:
            if one.kind is not PartyKind.GOVERNMENT:
                self.blocked[one.start : one.end] = b"\1" * (one.end - one.start)
        self.language = language
        self.found: list[Found] = []

    def read(self) -> list[Found]:
        names = self._names()
        if (
            self.doubtful & self.keys
        ):  # now known what this text speaks of, names that are ambiguous by themselves are read again
            names = self._names()
        zones = self._zones(names)
        covered = self._cover(zones)
        self.found = [n for n in names if not any(covered[n.start : n.end])] + zones
        self.found = [f for f in self.found if not f.key.startswith("world/")]
        for one in self.found:
            covered[one.start : one.end] = b"\1" * (one.end - one.start)
        self._unknown(covered)
        return self.found

    def _names(self) -> list[Found]:
        index, text = gazetteer().han, self.text
        found: list[Found] = []
        i, count, starts = 0, len(text), index.starts
        while i < count - 1:
            most = starts.get(text[i : i + 2])
            step = 1
            if most and not self.blocked[i]:
                for size in range(min(most, count - i), 1, -1):
                    senses = index.senses(text[i : i + size])
                    one = self._accept(i, i + size, senses, found) if senses else None
                    if one:
                        found.append(one)
                        self.keys.add(one.key)
                        step = one.end - i
                        break
            i += step
        return found

    def _accept(self, start: int, end: int, senses: tuple[Sense, ...], before: list[Found]) -> Found | None:
        text = self.text
        first = text[start]
        if text[start:end] in _COMPASS:
            return None
        if "가" <= first <= "힣" and _runs_into_hangul(text, start, end):
            return None
        if _kana(first) and ((start and _kana(text[start - 1])) or (end < len(text) and _kana(text[end]))):
            return None
        previous = before[-1] if before and before[-1].end == start else None
        entries = [(gazetteer().entry(s.row), s.weak) for s in senses]
        if previous:
            inside = [
                e
                for e, _ in entries
                if previous.key in e.within or (previous.country == e.country and previous.kind is PlaceKind.COUNTRY)
            ]
            if inside:
                return self._remember(self._found(start, self._suffix(end, inside[0]), inside[0]))
            if previous.kind is PlaceKind.COUNTRY and all(e.country != previous.country for e, _ in entries):
                return self._stranger(start, end, entries[0][0], previous)
        if known := self.senses.get(text[start:end]):
            end = (
                known.end - known.start + start if text[start : start + known.end - known.start] == known.name else end
            )
            return Found(start, end, known.name, known.kind, known.country, known.key, known.within)
        if any(self.blocked[start:end]):
            return None
        strong = [e for e, weak in entries if not weak]
        strong = strong or [e for e, _ in entries if e.key in self.keys]
        if not strong:
            fits = entries[0][0].kind is PlaceKind.CITY and entries[0][0].within[:1] != entries[0][0].within[1:2]
            if not fits or len(entries[0][0].within) > 2 or not _WEAK_CUES.match(text[end : end + 4]):
                self.doubtful.update(e.key for e, _ in entries)
                return None
        entry = choose(strong or [e for e, _ in entries], [f.country for f in before[-4:]])
        if self._of_a_person(start, end) or (end - start == 2 and _LANDMARK.match(text, end)):
            return None
        if end - start == 2 and HAN_WORDS_AROUND.search(text[max(0, start - 1) : end + 1]):
            return None
        return self._found(start, self._suffix(end, entry), entry)

    def _of_a_person(self, start: int, end: int) -> bool:
        """Is it the name of one who holds an office ("松山市长野志克仁", "久留米市长大久保勉")?"""
        text = self.text
        if text[start] == "长" and text[start - 1 : start] in ("市", "县", "州", "区", "省", "町", "村"):
            return not _NOT_AFTER_TITLE.match(text, end)
        return _TITLED.search(text, max(0, start - 4), start) is not None and not _NOT_AFTER_TITLE.match(text, end)

    def _suffix(self, end: int, entry: Entry) -> int:
        """Takes 市, 県, 시 and the like after a bare name into the span."""
        tail = self.text[end : end + 1]
        if tail == self.text[end - 1]:
            return end
        following = self.text[end + 1 : end + 2]
        if tail == "市" and following in ("场", "值", "盈", "面", "净", "占", "民"):
            return end
        if (entry.kind is PlaceKind.CITY and tail in ("市", "시")) or (
            entry.kind is PlaceKind.REGION and tail in ("省", "州", "县", "府", "道", "邦")
        ):
            return end if following == "府" and tail == "省" else end + 1
        return end

    def _found(self, start: int, end: int, entry: Entry) -> Found:
        return Found(start, end, entry.name, entry.kind, entry.country, entry.key, entry.within)

    def _remember(self, one: Found) -> Found:
        """One name means one place throughout a text."""
        written = self.text[one.start : one.end]
        self.senses[written] = self.senses[written.rstrip("市省州县")] = one
        return one

    def _stranger(self, start: int, end: int, like: Entry, country: Found) -> Found:
        """A name known elsewhere, right after a country that has none such: a namesake in that country."""
        end = self._suffix(end, like)
        name = self.text[start:end]
        key = made_key(country.key, name.rstrip("市省州县"), "")
        return self._remember(Found(start, end, name, like.kind, country.country, key, (country.key,)))

    def _zones(self, names: list[Found]) -> list[Found]:
        zones: list[Found] = []
        starts = [n.start for n in names]
        taken = 0
        for match in HAN_PATTERN.finditer(self.text):
            if match.start() < taken:
                continue
            low, high = bisect_left(starts, max(taken, match.start() - 24)), bisect_right(starts, match.end())
            before = zones[-1] if zones and zones[-1].end == taken else None
            zone = self._zone(match, names[low:high], before)
            if zone:
                if before and zone.start == before.start:
                    zones.pop()
                zones.append(zone)
                taken = zone.end
        covered = self._cover(zones)
        known = [n for n in names if n.kind in (PlaceKind.ZONE, PlaceKind.PARK)]
        return zones + [k for k in known if not any(covered[k.start : k.end])]

    def _cover(self, spans: Sequence[Found]) -> bytearray:
        covered = bytearray(len(self.text))
        for span in spans:
            covered[span.start : span.end] = b"\1" * (span.end - span.start)
        return covered

    def _zone(self, match: re.Match[str], names: list[Found], before: Found | None) -> Found | None:
        """The zone or park that ends with `match`; `before` is the one found last, which may contain this one."""
        at, end = match.start(), match.end()
        exact = next((n for n in names if n.start <= at and n.end >= end and n.kind in _ZONES), None)
        if exact:
            return exact
        free = self._left_edge(at)
        chain = [n for n in names if n.start >= free and n.end <= at and n.kind is not PlaceKind.COUNTRY]
        if not chain and before and before.end >= free:
            chain = [before]  # "西咸新区|空港新城"
        if len(chain) > 1 and chain[0].kind is PlaceKind.REGION:
            chain = chain[1:]  # the province stays a place of its own
        start = chain[0].start if chain else free
        rest = self.text[chain[-1].end if chain else free : at].strip("()（）")
        alone = any(self.blocked[start:at]) or len(rest) < 2 or _ZONE_GENERIC.match(rest) is not None
        if len(rest) > 12 or (alone and not chain):
            return None
        return self._named_zone(match, chain, start, rest)

    def _left_edge(self, at: int) -> int:
        """Where the name of the zone whose type begins at `at` may begin."""
        low = max(0, at - 18)
        left = max([low, *(low + cut.end() for cut in _ZONE_CUT.finditer(self.masked[low:at]))])
        hit = _ZONE_LEFT.match(self.masked[left:at])
        return left + (hit.end() if hit else 0)

    def _named_zone(self, match: re.Match[str], chain: list[Found], start: int, rest: str) -> Found:
        at, end = match.start(), match.end()
        parent = chain[-1] if chain else None
        if parent and not rest and parent.kind in _ZONES:
            return Found(parent.start, end, parent.name, parent.kind, parent.country, parent.key, parent.within)
        known = self._known_zone(chain, rest + match.group(), rest)
        if known:
            begin = at - len(rest) if rest else start
            return Found(begin, end, known.name, known.kind, known.country, known.key, known.within)
        word, kind = han_type(match.group())
        within = (parent.key, *parent.within) if parent else ()
        name = f"{parent.name} {CANONICAL_ENGLISH[word]}" if parent and not rest else self.text[start:end]
        chinese = _HAN.match(match.group()) and not _KANA.search(self.text[:200])
        country = parent.country if parent else "CN" if chinese else None
        key = made_key(parent.key if parent else (country or "").lower(), rest, word)
        return Found(start, end, name, kind, country, key, within)

    def _known_zone(self, chain: list[Found], full: str, rest: str) -> Entry | None:
        index = gazetteer().han
        for name in (full, rest):
            for sense in index.senses(name) if len(name) > 1 else ():
                entry = gazetteer().entry(sense.row)
                if entry.kind in (PlaceKind.ZONE, PlaceKind.PARK) and (
                    not chain or chain[-1].key in entry.within or chain[0].key in entry.within
                ):
                    return entry
        return None

    def _unknown(self, covered: bytearray) -> None:
        for match in _UNKNOWN.finditer(self.text):
            left = _UNKNOWN_LEFT.match(match.group(1))
            start = match.start() + (left.end() if left else 0)
            if any(covered[start : match.end()]):
                start = max((i + 1 for i in range(start, match.end()) if covered[i]), default=start)
            base = self.text[start : match.end(1)]
            if inner := list(_WIDER.finditer(base)):
                start, base = start + inner[-1].end(), base[inner[-1].end() :]
            if (
                not 2 <= len(base) <= 7
                or (match.group(2) != "町" and _NOT_NAMES.match(base))
                or any(self.blocked[start : match.end()])
            ):
                continue
            kind = PlaceKind.REGION if match.group(2) in ("省", "州", "大区", "自治区") else PlaceKind.CITY
            kind = PlaceKind.DISTRICT if match.group(2) in ("县", "郡", "区", "町", "村", "乡") else kind
            self._add_unknown(start, match.end(), base, kind, covered)
        for match in _SPELT.finditer(self.text):
            start = max((i + 1 for i in range(match.start(), match.end()) if covered[i]), default=match.start())
            if match.end() - start > 2 and not any(self.blocked[start : match.end()]) and not self._speaks(match):
                self._add_unknown(start, match.end(), self.text[start : match.end()], PlaceKind.CITY, covered)

    def _speaks(self, match: re.Match[str]) -> bool:
        """ "路斯特副市长说": a person with an office; places do not speak."""
        return _SAYS.match(self.text, match.end()) is not None or f"长{match.group()}" in self.text

    def _add_unknown(self, start: int, end: int, base: str, kind: PlaceKind, covered: bytearray) -> None:
        """A name and where else it stands bare; a country or region right before any of them holds it."""
        ends = {one.end: one for one in self.found if one.kind in (PlaceKind.COUNTRY, PlaceKind.REGION)}
        spans = [(start, end)]
        if len(base) > 2:
            bare = (at.start() for at in re.finditer(re.escape(base), self.text))
            spans += [(at, at + len(base)) for at in bare if not any(covered[at : at + len(base)]) and at != start]
        parent = next((ends[first] for first, _ in spans if first in ends), None)
        country = parent.country if parent else None
        key = made_key((country or "").lower(), base, "")
        within = (parent.key, *parent.within) if parent else ()
        for first, last in spans:
            if not any(covered[first:last]):
                covered[first:last] = b"\1" * (last - first)
                self.found.append(Found(first, last, self.text[start:end], kind, country, key, within))


_SAYS = re.compile(r"副?[市州省郡]长.{0,2}(?:说|表示|指出|介绍|强调|致辞|认为|感谢|回忆)")
_WIDER = re.compile(r"[省市县州]")
HAN_WORDS_AROUND = re.compile(
    r"孙中山|中山装|上海证|东方(?!市)|西安装|南京西路|北京烤|新西兰花|大连续|长春花|广州话|天津饭|不大同|武汉字"
)
