"""One lower-case, half-width, simplified-Chinese view of a text in which every code point keeps its place.

Annotators look for words in the folded text and report spans of the original: the two have the same length, so the
offset map between them is the identity. What characters mean is left to the annotators.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from string import ascii_lowercase, ascii_uppercase

# Traditional → simplified, only for characters that occur in our cue words, units and names of currencies.
_TRADITIONAL = (
    "並并佈布佔占併并來来係系個个備备傳传債债價价億亿償偿內内創创劃划動动務务勢势匯汇區区協协吳吴員员啟启喪丧單单嘗尝噸吨嚴严圆元國国圍围園园圓元圖图團团執执報报場场墊垫壓压壞坏壯壮夠够夢梦奪夺婦妇孫孙學学"
    "實实寧宁審审寫写寶宝將将專专尋寻對对導导屆届層层屬属岡冈島岛峽峡師师帶带幣币幹干幾几庫库廠厂廢废廣广張张強强彈弹彙汇後后從从徵征徹彻恆恒愛爱態态慣惯慮虑慶庆憑凭憲宪應应懷怀戰战戲戏戶户掛挂換换損损撥拨"
    "擇择擊击擋挡擔担據据擬拟擴扩攝摄敗败敵敌數数斷断於于時时暢畅暫暂曆历書书會会東东條条棄弃業业極极榮荣構构樂乐樓楼標标樣样橋桥機机檢检權权歐欧歡欢歲岁歷历歸归殘残決决沒没況况淨净減减湯汤準准溝沟滅灭滙汇"
    "滬沪滿满漢汉漲涨漸渐潛潜潤润濟济灣湾災灾為为無无煙烟熱热燈灯營营爭争爾尔犧牺狀状獎奖獨独獲获獻献現现環环瓊琼產产畫画異异當当療疗發发盡尽監监盤盘確确礦矿稅税種种稱称積积穩稳窮穷筆笔節节範范簽签籌筹紀纪"
    "約约紅红紐纽級级細细終终組组結结絡络給给統统經经綜综網网緊紧線线緩缓練练縣县縮缩縱纵總总績绩織织繫系繼继續续罰罚義义習习聞闻聯联聲声職职聽听臨临臺台與与興兴舉举舊旧萬万藥药蘇苏蘭兰處处號号虧亏補补裝装"
    "製制複复見见規规視视親亲覺觉覽览觸触訂订計计訊讯記记訟讼訪访設设許许訴诉註注評评詞词詢询試试該该詳详誌志認认誠诚說说課课調调談谈請请論论諮咨諾诺謀谋講讲謝谢證证譯译議议護护讀读變变讓让貝贝負负財财貢贡"
    "貨货販贩貫贯責责貴贵買买貸贷費费貼贴貿贸賀贺資资賓宾賜赐賠赔賣卖質质賴赖賺赚購购趕赶趙赵趨趋跡迹車车軌轨軍军軟软載载輔辅輕轻輪轮輸输轉转辦办農农這这連连進进運运過过達达違违遞递遠远適适遲迟選选遺遗遼辽"
    "還还邊边郵邮鄉乡鄭郑醞酝醫医釋释釐厘針针銀银銷销鋪铺錄录錢钱錫锡錯错鍵键鎊镑鎖锁鏈链鏡镜鐵铁鑒鉴長长門门閉闭開开間间閱阅闊阔關关陝陕陣阵陽阳隊队際际隨随險险隱隐雙双雜杂離离難难電电靜静韓韩響响頁页頂顶"
    "項项順顺須须預预頒颁頓顿頗颇領领頻频題题額额願愿類类顯显風风飛飞養养餘余館馆馬马駐驻騰腾驅驱驗验體体鬆松麗丽麥麦黃黄點点齊齐龍龙"
)


def _table() -> dict[str, str]:
    table: dict[str, str] = {}
    for char in map(chr, range(0x80, 0x3000)):
        lower = char.lower()
        if lower != char and len(lower) == 1:
            table[char] = lower
    for code in (*range(0xFF01, 0xFF5F), *range(0xFFE0, 0xFFE7)):
        plain = unicodedata.normalize("NFKC", chr(code))
        if len(plain) == 1:
            table[chr(code)] = plain.lower()
    table.update(zip(_TRADITIONAL[::2], _TRADITIONAL[1::2], strict=True))
    for code in (0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000):
        table[chr(code)] = " "
    table.update({"’": "'", "‘": "'", "“": '"', "”": '"', "\ufe69": "$", "\u2212": "-", "\u2010": "-", "\u2011": "-"})
    table.update(dict.fromkeys(map(chr, range(0xD800, 0xE000)), "\ufffd"))  # lone surrogates: no scan can read them
    return table


class Replacement:
    """Puts characters in place of others, one for one: ten times as fast as `str.translate`, for which every character
    that is not in the table costs an exception.
    """

    def __init__(self, table: Mapping[str, str]) -> None:
        self._table = table
        self._changing = re.compile("[" + "".join(map(re.escape, table)) + "]")

    def __call__(self, text: str) -> str:
        """`text` with every character of the table replaced."""
        found = set(self._changing.findall(text))
        for char in sorted(found, key=lambda one: self._table[one] in found):  # what is put in is not replaced again
            text = text.replace(char, self._table[char])
        return text


_CASES = tuple(zip(ascii_uppercase, ascii_lowercase, strict=True))
_FOLDED = Replacement(_table())


@lru_cache(maxsize=8)
def fold(text: str) -> str:
    """The text lower-cased, half-width and simplified, code point by code point; `len(fold(text)) == len(text)`.

    A lone surrogate becomes U+FFFD, so that the folded text is one that can be encoded.
    """
    if text.isascii():
        return text.lower()
    for upper, lower in _CASES:
        text = text.replace(upper, lower)
    return _FOLDED(text)


def is_han(char: str) -> bool:
    """Whether the character is a Chinese character (as Chinese, Japanese and Korean texts use them)."""
    return "\u3400" <= char <= "\u9fff" or "\uf900" <= char <= "\ufaff"


def is_cjk(char: str) -> bool:
    """Whether the character belongs to a script written without spaces between words, or is Hangul."""
    return "\u3040" <= char <= "\u30ff" or is_han(char) or "\uac00" <= char <= "\ud7a3"


def script(text: str) -> str:
    """The main script of the first 4,000 characters: `ja`, `ko`, `zh` or `latin` (anything else)."""
    head = text[:4000]
    kana = hangul = han = 0
    for char in head:
        if char < "\u3040":
            continue
        if char <= "\u30ff":
            kana += 1
        elif "\uac00" <= char <= "\ud7a3":
            hangul += 1
        elif is_han(char):
            han += 1
    if max(kana, hangul, han) * 5 < len(head) and han + kana + hangul < 40:
        return "latin"
    if kana * 10 > han and kana:
        return "ja"
    if hangul > han:
        return "ko"
    return "zh" if han else "latin"
