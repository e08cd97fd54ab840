"""Everything that our messages say of themselves, in each language a reader may choose; facts and names are elsewhere.

A phrase is known by what it means. Every language has every phrase, with the same places to fill.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from watcher.model import Language
from watcher.wording.text import one_line

ENGLISH: dict[str, str] = {
    # counts
    "events_none": "no events",
    "events_one": "1 event",
    "events_many": "{count} events",
    "feeds_none": "no feeds",
    "feeds_one": "1 feed",
    "feeds_many": "{count} feeds",
    "projects_none": "no projects",
    "projects_one": "1 project",
    "projects_many": "{count} projects",
    "more": "{count} more",
    "and_more": "and {count} more",
    "list_between": ", ",
    "list_last": "{first} and {last}",
    # subjects
    "subject_digest": "{title}: {what}, {day}",
    "subject_alert": "{rule}: {title}",
    "subject_update": "Update: {subject}",
    "subject_notice": "Watcher: {subject}",
    "nothing_new": "nothing new",
    "headline_in_subject": "{subject}: {headline}",
    # days
    "monday": "Monday",
    "tuesday": "Tuesday",
    "wednesday": "Wednesday",
    "thursday": "Thursday",
    "friday": "Friday",
    "saturday": "Saturday",
    "sunday": "Sunday",
    "weekday_day": "{weekday} {day}",
    "moment": "{day}, {clock} {zone}",
    # an entry
    "high": "High",
    "medium": "Medium",
    "low": "Low",
    "update": "Update",
    "update_line": "Update: {changes}",
    "why": "Why: {reason}",
    "no_title": "(no title)",
    "unnamed_feed": "unnamed feed",
    "source_day": "{feed}, {day}",
    "useful": "Useful",
    "not_useful": "Not useful",
    "open": "Open",
    "mute": "Mute this story",
    # the whole
    "all_quiet": "All quiet",
    "nothing_for_you": "Nothing new for you this time",
    "nothing_met": "No event met your subscription. This message is here so that you know we looked.",
    "preheader_quiet": "Nothing new. {coverage}",
    "rest": "And {count} more",
    "in_short": "In short",
    "no_room": "and {count} more that this message has no room for",
    "left_out": "Left out: {what}",
    "could_not_be_written": "event {number} could not be written",
    "converted": "Converted amounts take the reference rate of the day shown.",
    "from_itself": "A word from the watcher itself",
    "letter": "Biotech Watcher",
    "button_address": "If the button does nothing, open this address:",
    "all_events": "All events and deliveries",
    "browser": "View in browser",
    "preferences": "Preferences",
    "unsubscribe": "Unsubscribe",
    "feed": "Follow as a feed",
    # coverage
    "checked_all": "All {feeds} checked.",
    "checked_one": "{feeds} checked.",
    "checked_some": "{checked} of {feeds} checked.",
    "not_reached": "Not reached: {names}.",
    "silent": "Silent for long: {names}.",
    "sentences": "{first} {second}",
    # amounts
    "exact": "{amount}",
    "about": "about {amount}",
    "at_least": "more than {amount}",
    "at_most": "up to {amount}",
    "range": "{amount}",
    "vague": "{amount} or more",
    "in_currency": "{figure} {currency}",
    "no_currency": "{figure} (currency not told)",
    "worth": "{own} (≈ {other})",
    "worth_at": "{own} (≈ {other}, rate of {day})",
    "worth_stale": "{own} (≈ {other}, stale rate of {day}, {days} days off)",
    "beside": "{first} ({second})",
    # facts
    "other_sources": "other sources: {values}",
    "upfront_of": "{amount} upfront",
    "from_givers": "from {givers}",
    "exclusive": "exclusive",
    "non_exclusive": "non-exclusive",
    "not": "not {what}",
    "yes": "yes",
    "no": "no",
    # changes
    "corrected": "{fact} corrected from {before} to {after}",
    "newer": "{fact} corrected from {before} to {after} by a newer source",
    "moved_on": "{fact} moved on from {before} to {after}",
    "ended": "reported as {after}, before: {before}",
    "ended_at_once": "reported as {after}",
    "now_known": "{fact} now known: {after}",
    "read_again": "{fact} corrected from {before} to {after} after the full text was read",
    "between_changes": "; ",
    # why an event was chosen; the English forms are those of `digest.choose`
    "why_place_in_title": "place {name} in the title",
    "why_party_in_title": "party {name} in the title",
    "why_told_before": "told before",
    "why_now": "now {reason}",
    "why_not_applied": "at least {asked} is asked, but has no dollar value: not applied",
    "why_no_dollars": "{told} has no dollar value, at least {asked} is asked",
    "why_at_least": "{told} is at least {asked}",
    "why_below": "{told} is below {asked}",
    "why_unknown_told": "amount unknown, told all the same",
    "why_unknown_skipped": "amount unknown, events without one are skipped",
    "why_unknown_asked": "amount unknown, at least {asked} is asked",
    "why_no_place": "no place of {names}",
    "why_no_party": "no party of {names}",
    "why_no_tag": "no tag of {names}",
    "why_told_in": "told in {known}, not in {names}",
    "why_language_unknown": "language unknown, not in {names}",
    "why_rule": "rule {name}",
    "why_place": "place {name}",
    "why_party": "party {name}",
    "why_language": "language {name}",
    "why_tag": "tag {name}",
    "between_reasons": "; ",
}  # fmt: skip

CHINESE: dict[str, str] = {
    "events_none": "没有事件",
    "events_one": "1个事件",
    "events_many": "{count}个事件",
    "feeds_none": "0个来源",
    "feeds_one": "1个来源",
    "feeds_many": "{count}个来源",
    "projects_none": "0个项目",
    "projects_one": "1个项目",
    "projects_many": "{count}个项目",
    "more": "另外{count}个",
    "and_more": "等，另有{count}个",
    "list_between": "、",
    "list_last": "{first}和{last}",
    "subject_digest": "{title}：{what}，{day}",
    "subject_alert": "{rule}：{title}",
    "subject_update": "更新：{subject}",
    "subject_notice": "Watcher：{subject}",
    "nothing_new": "无新事件",
    "headline_in_subject": "{subject}：{headline}",
    "monday": "星期一",
    "tuesday": "星期二",
    "wednesday": "星期三",
    "thursday": "星期四",
    "friday": "星期五",
    "saturday": "星期六",
    "sunday": "星期日",
    "weekday_day": "{day}{weekday}",
    "moment": "{day} {clock}（{zone}）",
    "high": "重要",
    "medium": "中等",
    "low": "一般",
    "update": "更新",
    "update_line": "更新：{changes}",
    "why": "入选原因：{reason}",
    "no_title": "（无标题）",
    "unnamed_feed": "未命名来源",
    "source_day": "{feed}，{day}",
    "useful": "有用",
    "not_useful": "没用",
    "open": "打开",
    "mute": "屏蔽此事件",
    "all_quiet": "暂无动静",
    "nothing_for_you": "本次没有新内容",
    "nothing_met": "没有符合您订阅条件的事件。发送本邮件是为了让您知道我们已经查看过。",
    "preheader_quiet": "没有新内容。{coverage}",
    "rest": "另有{count}个事件",
    "in_short": "简要列出",
    "no_room": "还有{count}个事件，本邮件篇幅所限未能列出",
    "left_out": "未列出：{what}",
    "could_not_be_written": "事件{number}无法写入邮件",
    "converted": "换算金额采用所示日期的参考汇率。",
    "from_itself": "系统通知",
    "letter": "Biotech Watcher",
    "button_address": "如果按钮无法使用，请打开以下地址：",
    "all_events": "全部事件与发送记录",
    "browser": "在浏览器中查看",
    "preferences": "订阅设置",
    "unsubscribe": "退订",
    "feed": "以订阅源关注",
    "checked_all": "全部{feeds}均已检查。",
    "checked_one": "已检查{feeds}。",
    "checked_some": "共{feeds}，已检查{checked}个。",
    "not_reached": "未能连接：{names}。",
    "silent": "长期没有更新：{names}。",
    "sentences": "{first}{second}",
    "exact": "{amount}",
    "about": "约{amount}",
    "at_least": "超过{amount}",
    "at_most": "最高{amount}",
    "range": "{amount}",
    "vague": "{amount}以上",
    "in_currency": "{figure}{currency}",
    "no_currency": "{figure}（币种未说明）",
    "worth": "{own}（约合{other}）",
    "worth_at": "{own}（约合{other}，{day}汇率）",
    "worth_stale": "{own}（约合{other}，{day}旧汇率，相差{days}天）",
    "beside": "{first}（{second}）",
    "other_sources": "其他来源：{values}",
    "upfront_of": "首付款{amount}",
    "from_givers": "来自{givers}",
    "exclusive": "独家",
    "non_exclusive": "非独家",
    "not": "非{what}",
    "yes": "是",
    "no": "否",
    "corrected": "{fact}由{before}更正为{after}",
    "newer": "{fact}由{before}更正为{after}（据较新来源）",
    "moved_on": "{fact}由{before}变为{after}",
    "ended": "据报道{after}，此前：{before}",
    "ended_at_once": "据报道{after}",
    "now_known": "{fact}现已获知：{after}",
    "read_again": "阅读全文后，{fact}由{before}更正为{after}",
    "between_changes": "；",
    "why_place_in_title": "标题中的地点：{name}",
    "why_party_in_title": "标题中的机构：{name}",
    "why_told_before": "此前已告知",
    "why_now": "现在：{reason}",
    "why_not_applied": "要求至少{asked}，但无法折合美元，未予适用",
    "why_no_dollars": "{told}无法折合美元，要求至少{asked}",
    "why_at_least": "{told}，不低于{asked}",
    "why_below": "{told}，低于{asked}",
    "why_unknown_told": "金额未知，仍予告知",
    "why_unknown_skipped": "金额未知，按设置略过",
    "why_unknown_asked": "金额未知，要求至少{asked}",
    "why_no_place": "没有地点属于{names}",
    "why_no_party": "没有机构属于{names}",
    "why_no_tag": "没有标签属于{names}",
    "why_told_in": "报道语言为{known}，不是{names}",
    "why_language_unknown": "报道语言未知，不是{names}",
    "why_rule": "规则：{name}",
    "why_place": "地点：{name}",
    "why_party": "机构：{name}",
    "why_language": "语言：{name}",
    "why_tag": "标签：{name}",
    "between_reasons": "；",
}  # fmt: skip

PHRASES: dict[Language, dict[str, str]] = {Language.ENGLISH: ENGLISH, Language.CHINESE: CHINESE}


def say(phrase: str, language: Language = Language.ENGLISH, **filled: Any) -> str:
    """The phrase of that meaning; what is filled in stays as it is. Raises KeyError for a phrase that nobody wrote."""
    form = PHRASES[language][phrase]
    return form.format(**filled) if filled else form


def number_of(what: str, count: int, language: Language = Language.ENGLISH) -> str:
    """`no events`, `1 event`, `4 events`: `what` is `events`, `feeds` or `projects`."""
    form = {0: "none", 1: "one"}.get(count, "many")
    return say(f"{what}_{form}", language, count=count)


def counted(number: int, one: str, many: str | None = None) -> str:
    """`1 event`, `4 events`, `no events`: any English noun, for commands and logs."""
    return f"{number or 'no'} {one if number == 1 else many or one + 's'}"


def joined(words: Iterable[str], most: int = 5, language: Language = Language.ENGLISH) -> str:
    """`a, b and c`; past `most` words the rest as a number."""
    every = [word for word in (one_line(word, 80) for word in words) if word]
    if len(every) > most:
        every = [*every[:most], say("more", language, count=len(every) - most)]
    if len(every) < 2:
        return "".join(every)
    first = say("list_between", language).join(every[:-1])
    return say("list_last", language, first=first, last=every[-1])
