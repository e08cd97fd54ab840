"""What the reader's pages say, in English and Chinese; what an event tells is worded by `watcher.wording`."""

from __future__ import annotations

from typing import Any

from watcher.model import Language

LANGUAGES = {Language.ENGLISH: "English", Language.CHINESE: "中文"}
LOCALES = {Language.ENGLISH: "en", Language.CHINESE: "zh-Hans"}
WEEKDAYS = {
    Language.ENGLISH: ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    Language.CHINESE: ("星期一", "星期二", "星期三", "星期四", "星期五", "星期六", "星期日"),
}

_WORDS: dict[str, tuple[str, str]] = {
    # what every page has
    "service": ("Biotech Watcher", "Biotech Watcher"),
    "other_language": ("中文", "English"),
    "gone_title": ("This link does not work", "链接无效"),
    "gone": (
        "It may have been cut off on its way, or what it led to is no longer there. Copy the whole address from the "
        "message, or look for a newer one.",
        "链接可能不完整，或其指向的内容已不存在。请从邮件中复制完整地址，或查看较新的邮件。",
    ),
    "away_title": ("Not available just now", "暂时无法使用"),
    "away": (
        "We could not do that just now. Please try again in a minute; nothing was lost.",
        "暂时无法完成操作，请一分钟后重试。您的数据没有丢失。",
    ),
    "refused_title": ("This was not sent from our page", "请求并非来自本页面"),
    "refused": (
        "For your safety nothing was changed. Open the link in your message again and use the button there.",
        "为了您的安全，未作任何更改。请重新打开邮件中的链接，并使用页面上的按钮。",
    ),
    "stale": ("The page had been open for long. Please send it again.", "页面打开时间过长，请重新提交。"),
    "too_large_title": ("That was too much", "内容过长"),
    "too_large": ("The form was larger than we read.", "提交的内容超出了可接受的长度。"),
    # one event
    "event_title": ("Event", "事件"),
    "facts": ("Facts", "要点"),
    "evidence": ("Evidence", "依据"),
    "sources": ("Sources", "来源"),
    "revisions": ("What changed", "更新记录"),
    "revision": ("Revision {number}", "第{number}版"),
    "more_sources": ("and {count} more", "另有{count}个来源"),
    "no_title": ("(no title)", "（无标题）"),
    "unnamed_feed": ("unnamed feed", "未命名来源"),
    "found": ("found {day}", "发现于{day}"),
    "updated": ("updated {day}", "更新于{day}"),
    "shadow": ("trial rule, not sent", "试用规则，不发送"),
    # votes
    "vote_title": ("Was this useful?", "这条信息有用吗？"),
    "vote_lead": (
        "Your word helps to tune the rule that found it. The last one counts; you can change it at any time.",
        "您的评价将用于改进筛选规则。以最后一次为准，可随时更改。",
    ),
    "useful": ("Useful", "有用"),
    "not_useful": ("Not useful", "没用"),
    "wrong_facts": ("Right kind, wrong facts", "类型正确，内容有误"),
    "vote_done": ("Kept: {verdict}. Thank you.", "已记录：{verdict}。谢谢。"),
    # mutes
    "mute_title": ("Hear no more of this", "屏蔽相关内容"),
    "mute_lead": (
        "Choose what you do not want to be told, and for how long. Other news goes on as before.",
        "请选择不想再收到的内容及期限。其他资讯照常发送。",
    ),
    "mute_what": ("What", "内容"),
    "mute_story": ("This story", "此事件"),
    "mute_rule": ("Everything of “{name}”", "“{name}”的全部内容"),
    "mute_party": ("Everything about {name}", "与{name}有关的全部内容"),
    "mute_place": ("Everything in {name}", "{name}的全部内容"),
    "mute_all": ("Everything", "全部内容"),
    "mute_story_of": ("Story {number}", "事件{number}"),
    "days": ("{count} days", "{count}天"),
    "mute_long": ("For how long", "期限"),
    "mute_1": ("A day", "一天"),
    "mute_7": ("A week", "一周"),
    "mute_30": ("30 days", "30天"),
    "mute_90": ("90 days", "90天"),
    "mute_365": ("A year", "一年"),
    "mute_button": ("Mute", "屏蔽"),
    "mute_done": ("Muted until {day}: {what}.", "已屏蔽至{day}：{what}。"),
    "mute_see": ("See everything you muted", "查看所有屏蔽内容"),
    "mute_choose": ("Choose what to mute.", "请选择要屏蔽的内容。"),
    "mute_choose_long": ("Choose for how long.", "请选择期限。"),
    # unsubscribing
    "end_title": ("Unsubscribe", "退订"),
    "end_lead": (
        "This ends the subscription “{title}”. Nothing more is sent for it.",
        "此操作将退订“{title}”，之后不再发送。",
    ),
    "end_button": ("Unsubscribe", "退订"),
    "ended_title": ("You are unsubscribed", "您已退订"),
    "ended_lead": (
        "“{title}” has ended, and nothing more is sent for it. A message that was on its way may still arrive.",
        "“{title}”已退订，之后不再发送。已在途中的邮件可能仍会送达。",
    ),
    "ended_lead_at": ("“{title}” ended on {day}. Nothing is sent for it.", "“{title}”已于{day}退订，不再发送。"),
    "undo_button": ("Undo: subscribe again", "撤销：恢复订阅"),
    "resumed_title": ("You are subscribed again", "已恢复订阅"),
    "resumed_lead": ("“{title}” goes on as before.", "“{title}”将照常发送。"),
    "settings_link": ("Change what you are told instead", "改为调整订阅设置"),
    # sign-up
    "signup_title": ("Subscribe to biotech news", "订阅生物医药资讯"),
    "signup_lead": (
        "Partnerships of cities, licensing deals and funding, found in many sources and told once, with the facts and "
        "where they stand. No account, no tracking; you can leave with one click.",
        "从众多来源中发现的城市合作、许可交易和融资事件，每件只发送一次，附要点和出处。无需注册账号，没有跟踪，一键即可退订。",
    ),
    "address": ("Mail address", "邮箱地址"),
    "address_hint": ("We write to it once to ask whether it is yours.", "我们会向此邮箱发送一封确认邮件。"),
    "leave_empty": ("Leave this field empty", "请将此项留空"),
    "signup_button": ("Subscribe", "订阅"),
    "asked_title": ("Look into your mailbox", "请查看您的邮箱"),
    "asked_lead": (
        "If mail can be sent to that address, a letter is on its way with a button to confirm. Nothing else is sent "
        "before that. It can take a few minutes; look into the folder for junk too.",
        "如果该地址可以收信，您将收到一封带有确认按钮的邮件。在您确认之前，我们不会再发送其他邮件。邮件可能需要几分钟，请同时查看垃圾邮件文件夹。",
    ),
    "asked_again": (
        "To keep others from flooding a mailbox we write to one at most once a day.",
        "为防止他人滥用，我们每天最多向同一邮箱发送一封确认邮件。",
    ),
    "flood_title": ("Too many requests", "请求过多"),
    "flood": (
        "Too many people asked from your network, or at all. Please try again in an hour.",
        "来自您所在网络的请求过多，请一小时后重试。",
    ),
    "closed_title": ("No sign-up here", "暂不开放订阅"),
    "closed": ("This service does not take sign-ups.", "本服务不接受在线订阅。"),
    # confirmation
    "confirm_title": ("Confirm your subscription", "确认订阅"),
    "confirm_lead": ("Press the button, and you are told as you chose:", "点击按钮后，将按以下设置向您发送："),
    "confirm_button": ("Confirm", "确认"),
    "confirmed_title": ("You are subscribed", "订阅成功"),
    "confirmed_lead": (
        "What you asked for is on. You can change or end it at any time:",
        "订阅已生效，您可以随时更改或退订：",
    ),
    # choices
    "mend": ("Please mend what is marked below.", "请修改下方标出的内容。"),
    "what": ("What", "内容"),
    "when": ("When", "时间"),
    "how": ("How", "方式"),
    "rules": ("Kinds of events", "事件类型"),
    "rules_hint": ("At least one.", "至少选择一项。"),
    "all_rules": ("All kinds, also those that are added later", "全部类型，包括以后新增的"),
    "places": ("Places", "地点"),
    "places_hint": (
        "Separated by commas, as Chongqing, Seoul. Empty: everywhere.",
        "用逗号分隔，例如：重庆，首尔。留空表示不限。",
    ),
    "parties": ("Companies and institutions", "公司和机构"),
    "parties_hint": (
        "Separated by commas. Empty: all.",
        "用逗号分隔。留空表示不限。",
    ),
    "at_least": ("Smallest amount", "最低金额"),
    "at_least_hint": (
        "As 10M USD or 500k EUR. Deals of an unknown amount are then left out. Empty: any.",
        "例如 10M USD 或 5000万元。设置后不包括金额未知的交易。留空表示不限。",
    ),
    "frequency": ("How often", "频率"),
    "daily": ("Every day", "每天"),
    "weekdays": ("Monday to Friday", "周一至周五"),
    "weekly": ("Once a week", "每周一次"),
    "immediate": ("At once, each event by itself", "即时，每个事件单独发送"),
    "hourly": ("Every hour", "每小时"),
    "hour": ("Time of day", "发送时刻"),
    "hour_hint": ("For daily and weekly digests.", "适用于每天和每周的摘要。"),
    "weekday": ("Day of the week", "星期"),
    "weekday_hint": ("For weekly digests.", "适用于每周摘要。"),
    "zone": ("Time zone", "时区"),
    "zone_choose": ("Choose …", "请选择……"),
    "language": ("Language of the messages", "邮件语言"),
    "currency": ("Show amounts also in", "同时以此货币显示金额"),
    "no_currency": ("no other currency", "不换算"),
    "quiet": ("Quiet hours", "免打扰时段"),
    "quiet_hint": ("What would come at once is held until they end.", "即时消息将推迟到时段结束后发送。"),
    "quiet_from": ("From", "从"),
    "quiet_to": ("To", "到"),
    "no_quiet": ("none", "无"),
    "empty": ("Write also when there is nothing to tell", "没有内容时也发送邮件"),
    "any": ("any", "不限"),
    "off": ("none", "无"),
    # what is wrong with a field
    "bad_address": (
        "Mail cannot be sent to this address. Write it as name@example.org.",
        "无法向此地址发送邮件。请按 name@example.org 的格式填写。",
    ),
    "bad_rules": ("Choose at least one kind of events.", "请至少选择一种事件类型。"),
    "bad_names": (
        "At most {most} names of up to {longest} characters, separated by commas.",
        "最多{most}个名称，每个不超过{longest}个字符，用逗号分隔。",
    ),
    "bad_at_least": (
        "Write a number and a currency, as 10M USD or 500k EUR.",
        "请填写数字和货币，例如 10M USD 或 5000万元。",
    ),
    "bad_when": ("Choose how often.", "请选择频率。"),
    "bad_hour": ("Choose a time of day.", "请选择时刻。"),
    "bad_weekday": ("Choose a day of the week.", "请选择星期。"),
    "bad_zone": ("Choose your time zone.", "请选择时区。"),
    "bad_language": ("Choose a language.", "请选择语言。"),
    "bad_currency": ("Choose a currency from the list.", "请从列表中选择货币。"),
    "bad_quiet": ("Choose both ends, and two different times.", "请选择起止时间，且两者不能相同。"),
    # preferences
    "settings_title": ("Your subscription", "订阅设置"),
    "settings_of": ("“{title}”, sent to {address}", "“{title}”，发送至{address}"),
    "settings_file": (
        "This subscription is set up by those who run the service; what it tells can be changed by them. You can mute "
        "what you do not want, pause it, or end it.",
        "此订阅由服务管理者设置，内容由其更改。您可以屏蔽不需要的内容、暂停或退订。",
    ),
    "settings_waiting": (
        "This subscription is not confirmed yet: use the button in the letter that we sent.",
        "此订阅尚未确认，请使用确认邮件中的按钮。",
    ),
    "settings_ended": ("This subscription has ended.", "此订阅已退订。"),
    "save_button": ("Save", "保存"),
    "saved": ("Saved. It holds from the next message on.", "已保存，自下一封邮件起生效。"),
    "mutes": ("Muted", "已屏蔽"),
    "no_mutes": (
        "Nothing is muted. The link beside each event mutes it.",
        "没有屏蔽内容。可通过每个事件旁的链接屏蔽。",
    ),
    "until": ("until {day}", "至{day}"),
    "for_good": ("without an end", "无期限"),
    "by_ops": ("set by the service", "由服务设置"),
    "unmute": ("Unmute", "取消屏蔽"),
    "unmute_what": ("Unmute: {what}", "取消屏蔽：{what}"),
    "unmuted": ("No longer muted.", "已取消屏蔽。"),
    "pause": ("Pause", "暂停"),
    "pause_lead": (
        "Nothing is told for a while. What happens meanwhile is not told later.",
        "一段时间内不发送任何内容，其间发生的事件之后也不再补发。",
    ),
    "pause_button": ("Pause", "暂停"),
    "unpause": ("Go on now", "立即恢复"),
    "resumed_now": ("It goes on.", "已恢复发送。"),
    "end_section": ("Leave", "退订"),
    "pause_state": ("Paused until {day}.", "已暂停至{day}。"),
    "end_link": ("Unsubscribe", "退订"),
    "erase_link": ("Delete my data", "删除我的数据"),
    "erase_title": ("Delete your data?", "删除您的数据？"),
    "erase_lead": (
        "Your address, your choices, what you muted and the messages we kept are deleted at once and for good. "
        "What you said of events stays without your name. If mail to you had bounced, a fingerprint of the address "
        "stays, so that nothing is sent there again.",
        "您的邮箱、订阅设置、屏蔽内容和我们保存的邮件将立即永久删除。您对事件的评价将匿名保留。如果曾经退信，将保留地址的指纹，以免再次发送。",
    ),
    "erase_button": ("Delete for good", "永久删除"),
    "erase_back": ("Keep it", "保留"),
    "erased_title": ("Your data are deleted", "您的数据已删除"),
    "erased_lead": (
        "Nothing more is sent to you, and links in older messages no longer work.",
        "我们不会再向您发送任何内容，旧邮件中的链接也已失效。",
    ),
    "digest_title": ("Digest", "摘要"),
}


def say(phrase: str, language: Language, **filled: Any) -> str:
    """The phrase in that language; what is filled in stays as it is. Raises KeyError for one that nobody wrote."""
    form = _WORDS[phrase][0 if language is Language.ENGLISH else 1]
    return form.format(**filled) if filled else form


def phrases() -> dict[str, tuple[str, str]]:
    """Every phrase, English and Chinese."""
    return dict(_WORDS)
