"""The letters that a sign-up sends: our own words in the reader's language, one button, nothing that was typed."""

from __future__ import annotations

from watcher.model import Language, Notice

_CONFIRM = {
    Language.ENGLISH: (
        "Confirm your subscription",
        "Somebody, probably you, asked for news of Biotech Watcher at this address.",
        "Open the page behind the button and confirm there. Until then nothing else is sent to you.",
        "If it was not you, do nothing: the request lapses after 7 days and is deleted.",
        "Confirm the subscription",
    ),
    Language.CHINESE: (
        "请确认您的订阅",
        "有人（很可能是您本人）为此邮箱申请订阅 Biotech Watcher 的资讯。",
        "请点击按钮，并在打开的页面上确认。在您确认之前，我们不会再发送任何其他邮件。",
        "如果不是您本人申请，请不必理会：申请将在7天后失效并被删除。",
        "确认订阅",
    ),
}
_KNOWN = {
    Language.ENGLISH: (
        "You are subscribed already",
        "Somebody, probably you, asked for news of Biotech Watcher at this address.",
        "It has a subscription already, and nothing about it was changed.",
        "Behind the button you can change what you are told and when, or end it.",
        "Open your settings",
    ),
    Language.CHINESE: (
        "您已经订阅",
        "有人（很可能是您本人）为此邮箱申请订阅 Biotech Watcher 的资讯。",
        "此邮箱已有订阅，本次申请未作任何更改。",
        "点击按钮可以更改订阅内容和发送时间，也可以退订。",
        "打开订阅设置",
    ),
}


def please_confirm(language: Language, url: str) -> Notice:
    """Asks the owner of an address whether the subscription is wanted."""
    return _letter(_CONFIRM[language], url)


def known_already(language: Language, url: str) -> Notice:
    """Tells the owner of an address that somebody asked for what they have."""
    return _letter(_KNOWN[language], url)


def _letter(words: tuple[str, ...], url: str) -> Notice:
    subject, *lines, action = words
    return Notice(subject=subject, lines=tuple(lines), action=action, action_url=url)
