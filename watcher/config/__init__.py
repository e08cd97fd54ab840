"""watcher.yml to `model.Config`: the whole file is checked, and every mistake comes at once with its line and a cure.

One table of fields a kind of object is both the check and the published JSON Schema. What stands in the environment is
`watcher.settings`'s; whether a rule of that name exists is known to `watcher.match`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from watcher import strict_yaml
from watcher.config.choices import MUTE, read_budget, read_mutes, read_quiet
from watcher.config.place import At, Field, Read, elements, kind_of, mapping, near, object_schema, quoted
from watcher.config.values import (
    ID,
    LANGUAGE,
    LANGUAGE_LENGTH,
    URL_LENGTH,
    WHEN_HELP,
    dollars,
    enum_of,
    list_of,
    read_at_least,
    read_currency,
    read_domain,
    read_every,
    read_flag,
    read_headers,
    read_id,
    read_language,
    read_mail,
    read_secret,
    read_smtp_url,
    read_text,
    read_url_or_secret,
    read_web_url,
    read_when,
    read_zone,
)
from watcher.errors import Mistake, Mistakes
from watcher.model import (
    AlertHistory,
    ChannelConfig,
    ChannelKind,
    Config,
    Dkim,
    EmptyDay,
    FeedConfig,
    Language,
    RuleParams,
    Schedule,
    Signup,
    SubscriptionConfig,
    UnknownAmount,
)


def load(path: Path) -> Config:
    """The checked content of the file at `path`; raises Mistakes with everything that is wrong in it."""
    try:
        text = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise Mistakes([Mistake(path=str(path), line=0, message="is not UTF-8 text", instead=error.reason)]) from None
    except OSError as error:
        cure = "`watcher init` writes a starter" if isinstance(error, FileNotFoundError) else ""
        message = (error.strerror or "cannot be read").lower()
        raise Mistakes([Mistake(path=str(path), line=0, message=message, instead=cure)]) from None
    return read(str(path), text)


def read(path_name: str, text: str) -> Config:
    """As `load`, for the text of a file called `path_name`."""
    document = strict_yaml.load(path_name, text)
    top = At(document=document, mistakes=[])
    if document.value is None:
        top.refuse("the file is empty, and an empty file would retire every feed", "write feeds: [] to watch nothing")
    config = None if top.mistakes else _config(top, document.value)
    if config is None or top.mistakes:
        raise Mistakes(top.mistakes)
    return config


def read_subscription(subscription_id: str, value: Any) -> SubscriptionConfig:
    """One subscription as watcher.yml would say it, given as plain values; raises Mistakes.

    The `path` of each mistake is a JSON pointer (RFC 6901) into the value.
    """
    top = At(document=_Plain(path_name="", value=value), mistakes=[])
    found = _subscription(top, subscription_id, value)
    if found is None or top.mistakes:
        raise Mistakes(top.mistakes)
    return found


class _Plain(strict_yaml.Document):
    """Values that came without a file: a mistake says where it is by its pointer."""

    def mistake(self, path: strict_yaml.KeyPath, message: str, instead: str = "") -> Mistake:
        parts = (str(part).replace("~", "~0").replace("/", "~1") for part in path)
        return Mistake(path="".join(f"/{part}" for part in parts), line=0, message=message, instead=instead)


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of watcher.yml, made from the tables that check it."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "watcher.yml",
        "description": "Feeds to watch, channels to tell, and who subscribes to what.",
        **object_schema(_TOP),
    }


# ── the tables ───────────────────────────────────────────────────────────────────────────────────────────────────────

_STRING: dict[str, Any] = {"type": "string", "minLength": 1}
_STRINGS: dict[str, Any] = {"type": "array", "items": _STRING, "uniqueItems": True}
_ID_SCHEMA: dict[str, Any] = {"type": "string", "pattern": f"^{ID.pattern}$"}
_IDS: dict[str, Any] = {"type": "array", "items": _ID_SCHEMA, "uniqueItems": True}
_URL_SCHEMA: dict[str, Any] = {"type": "string", "format": "uri", "pattern": "^https?://", "maxLength": URL_LENGTH}
_LANGUAGE_SCHEMA: dict[str, Any] = {
    "type": "string",
    "pattern": f"^{LANGUAGE.pattern}$",
    "maxLength": LANGUAGE_LENGTH,
}
_SECRET_SCHEMA: dict[str, Any] = {
    "type": "object",
    "minProperties": 1,
    "maxProperties": 1,
    "additionalProperties": False,
    "properties": {"env": {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$"}, "file": _STRING},
}


def _f(name: str, read_value: Read, schema_: Mapping[str, Any], doc: str, required: bool = False) -> Field:
    return Field(name=name, read=read_value, schema=schema_, doc=doc, required=required)


_FEED = (
    _f("url", read_web_url, _URL_SCHEMA, "The feed's address, as https://example.org/feed.xml.", True),
    _f("title", read_text, _STRING, "Name shown to people; the feed's own when absent."),
    _f("language", read_language, _LANGUAGE_SCHEMA, "Language of its items."),
    _f("tags", list_of(read_text), _STRINGS, "Words by which subscriptions and rules choose feeds."),
    _f(
        "alert_history",
        enum_of(AlertHistory),
        {"enum": [str(word) for word in AlertHistory]},
        "Which items of the first fetch may raise alerts: none, 24h or all.",
    ),
    _f("every", read_every, {"type": "string", "examples": ["15m", "1h"]}, "Shortest time between two polls."),
    _f(
        "headers",
        read_headers,
        {"type": "object", "additionalProperties": _SECRET_SCHEMA},
        "Extra request headers, their values as secrets.",
    ),
    _f("full_text", read_flag, {"type": "boolean"}, "Read each item's page for its whole text?"),
)
_DKIM = (
    _f("domain", read_domain, _STRING, "The signing domain (d=), that of the sender or above it.", True),
    _f("selector", read_domain, _STRING, "Under which the public key stands in the DNS (s=).", True),
    _f("key", read_secret, _SECRET_SCHEMA, "The private key, PEM: {env: NAME} or {file: path}.", True),
)


def _dkim(at: At, value: Any) -> Dkim | None:
    values = mapping(at, value, _DKIM)
    whole = values is not None and all(values.get(field.name) is not None for field in _DKIM)
    return Dkim(**values) if whole and values else None


_KIND = {kind: _f("kind", read_text, {"const": str(kind)}, "What kind of channel it is.", True) for kind in ChannelKind}
_PRIVATE = _f("allow_private", read_flag, {"type": "boolean"}, "May it reach a private network? For intranets.")
_CHANNELS: dict[ChannelKind, tuple[Field, ...]] = {
    ChannelKind.EMAIL: (
        _KIND[ChannelKind.EMAIL],
        _f("to", read_mail, _STRING, "The recipient, one address.", True),
        _f("sender", read_mail, _STRING, "The From address, with or without a display name.", True),
        _f(
            "smtp_url",
            read_smtp_url,
            {"anyOf": [{"type": "string", "pattern": r"^smtp(\+starttls|s)?://"}, _SECRET_SCHEMA]},
            "The mail server: smtp://host:25, smtp+starttls://host:587 or smtps://host:465; "
            "as a secret when it holds a password.",
            True,
        ),
        _f("dkim", _dkim, object_schema(_DKIM), "The key with which mails are signed."),
        _f("return_path", read_domain, _STRING, "The domain to which bounces go, as bounces.example.org."),
        _f("templates", read_text, _STRING, "A folder whose templates go before the shipped ones."),
    ),
    ChannelKind.SLACK: (
        _KIND[ChannelKind.SLACK],
        _f(
            "url",
            read_secret,
            _SECRET_SCHEMA,
            "The incoming webhook's URL, a secret: {env: NAME} or {file: path}.",
            True,
        ),
        _PRIVATE,
    ),
    ChannelKind.WEBHOOK: (
        _KIND[ChannelKind.WEBHOOK],
        _f("url", read_url_or_secret, {"anyOf": [_URL_SCHEMA, _SECRET_SCHEMA]}, "Where to POST.", True),
        _f("secret", read_secret, _SECRET_SCHEMA, "The whsec_… signing secret: {env: NAME} or {file: path}.", True),
        _f("old_secret", read_secret, _SECRET_SCHEMA, "The secret of before, while receivers change over."),
        _PRIVATE,
    ),
    ChannelKind.APPRISE: (
        _KIND[ChannelKind.APPRISE],
        _f("url", read_secret, _SECRET_SCHEMA, "An Apprise URL, a secret: {env: NAME} or {file: path}.", True),
    ),
}


_PARAMS = (
    _f("at_least", read_at_least, {"type": ["string", "number"]}, "The smallest amount of this rule's events."),
    _f(
        "unknown_amount",
        enum_of(UnknownAmount),
        {"enum": [str(one) for one in UnknownAmount]},
        "match or skip: whether an event that names no amount is told.",
    ),
)


def _rule_params(at: At, value: Any) -> dict[str, RuleParams] | None:
    if not isinstance(value, dict):
        at.refuse(
            f"params must be a mapping from rules, not {kind_of(value)}", "write params: {funding: {at_least: …}}"
        )
        return None
    done = {}
    for rule_id, inner in value.items():
        values = _present(mapping(at.down(rule_id), inner, _PARAMS) or {})
        if read_id(at.down(rule_id), rule_id):
            done[rule_id] = RuleParams(at_least_usd=dollars(values.get("at_least")), **values)
    return done


_SUBSCRIPTION = (
    _f("title", read_text, _STRING, "Name shown in subjects; the id when absent."),
    _f("channels", list_of(read_id), {**_IDS, "minItems": 1}, "Ids of the channels to tell.", True),
    _f("rules", list_of(read_id), _IDS, "Ids of rules; all when absent."),
    _f("places", list_of(read_text), _STRINGS, "Places of which one must be in the event; any when absent."),
    _f("parties", list_of(read_text), _STRINGS, "Parties of which one must be in the event; any when absent."),
    _f("languages", list_of(read_language), _STRINGS, "Languages of the items; any when absent."),
    _f("tags", list_of(read_text), _STRINGS, "Tags of the feeds; any when absent."),
    _f(
        "at_least",
        read_at_least,
        {"type": ["string", "number"], "examples": ["10M USD", "500k EUR"]},
        "The smallest amount that is told, of the rules that read amounts; an unknown amount is not told.",
    ),
    _f(
        "params",
        _rule_params,
        {"type": "object", "additionalProperties": object_schema(_PARAMS)},
        "By rule: at_least and unknown_amount for its events, instead of the subscription's at_least.",
    ),
    _f("when", read_when, {"type": "string", "examples": ["immediate", "daily 08:00"]}, f"One of {WHEN_HELP}."),
    _f("zone", read_zone, {"type": "string", "examples": ["Europe/Berlin"]}, "IANA time zone of `when` and `quiet`."),
    _f("quiet", read_quiet, {"type": "string", "examples": ["22:00-07:00"]}, "Hours in which messages are held."),
    _f(
        "empty",
        enum_of(EmptyDay),
        {"enum": [str(one) for one in EmptyDay]},
        "send or skip: what a digest does that has nothing to tell.",
    ),
    _f(
        "budget",
        read_budget,
        {"type": "string", "examples": ["20 per hour"]},
        "The most messages in a time to each channel; what is over comes as one message at its end.",
    ),
    _f("mute", read_mutes, {"type": "array", "items": object_schema(MUTE)}, "What is not told, and until when."),
    _f("language", enum_of(Language), {"enum": [str(one) for one in Language]}, "Of its messages: en or zh."),
    _f("currency", read_currency, {"type": "string", "examples": ["EUR"]}, "Amounts are shown in it too."),
)


# ── the file ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _feeds(at: At, value: Any) -> tuple[FeedConfig, ...]:
    done: list[FeedConfig] = []
    lines: dict[str, int] = {}
    for place, inner in elements(at, value):
        values = mapping(place, {"url": inner} if isinstance(inner, str) else inner, _FEED)
        url = (values or {}).get("url")
        if values is None or url is None:
            continue
        if url in lines:
            place.refuse(f"the feed {quoted(url)} is listed twice (first on line {lines[url]})", "keep one of them")
        lines.setdefault(url, place.document.line(place.path)[0])
        done.append(FeedConfig(every_s=values.pop("every", None), **_present(values)))
    return tuple(done)


def _named(at: At, value: Any, read_one: Callable[[At, str, Any], Any]) -> tuple[Any, ...]:
    if not isinstance(value, dict):
        at.refuse(f"{at.name()} must be a mapping from ids, not {kind_of(value)}", f"write {at.name()}: {{my-id: …}}")
        return ()
    done = [read_one(at.down(key), key, inner) for key, inner in value.items() if read_id(at.down(key), key)]
    return tuple(one for one in done if one is not None)


def _channel(at: At, key: str, value: Any) -> ChannelConfig | None:
    kinds = [str(kind) for kind in ChannelKind]
    named = value.get("kind") if isinstance(value, dict) else None
    if named not in kinds:
        cure = f"write kind: {', '.join(kinds[:-1])} or {kinds[-1]}"
        (at.down("kind") if named is not None else at).refuse(f"channel {quoted(key)} has no kind that exists", cure)
        return None
    kind = ChannelKind(named)
    values = mapping(at, value, _CHANNELS[kind]) or {}
    values["kind"] = kind
    return ChannelConfig(id=key, **_present(values))


def _subscription(at: At, key: str, value: Any) -> SubscriptionConfig | None:
    values = mapping(at, value, _SUBSCRIPTION)
    if values is None:
        return None
    if values.get("channels") == () and value.get("channels") == []:
        at.down("channels").refuse(f"subscription {quoted(key)} tells nobody", "name at least one channel")
    schedule = replace(values.pop("when", None) or Schedule(), zone=values.pop("zone", None) or "UTC")
    values["mutes"] = values.pop("mute", None)
    values = {"title": key, "channels": ()} | _present(values)
    return SubscriptionConfig(id=key, schedule=schedule, at_least_usd=dollars(values.get("at_least")), **values)


def _present(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


_SIGNUP = (
    _f("channel", read_id, _ID_SCHEMA, "The email channel whose server, sender and keys their mail takes.", True),
    _f("rules", list_of(read_id), _IDS, "Ids of the rules they may choose from; all when absent."),
)


def _signup(at: At, value: Any) -> Signup | None:
    values = mapping(at, value, _SIGNUP)
    return Signup(**_present(values)) if values and values.get("channel") else None


_TOP = (
    _f(
        "feeds",
        _feeds,
        {"type": "array", "items": {"anyOf": [_URL_SCHEMA, object_schema(_FEED)]}},
        "What to watch.",
        True,
    ),
    _f(
        "channels",
        lambda at, value: _named(at, value, _channel),
        {
            "type": "object",
            "propertyNames": _ID_SCHEMA,
            "additionalProperties": {"oneOf": [object_schema(fields) for fields in _CHANNELS.values()]},
        },
        "Ways out, by id.",
    ),
    _f(
        "subscriptions",
        lambda at, value: _named(at, value, _subscription),
        {"type": "object", "propertyNames": _ID_SCHEMA, "additionalProperties": object_schema(_SUBSCRIPTION)},
        "Who is told what, by id.",
    ),
    _f("ops", list_of(read_id), _IDS, "Ids of the channels that hear of the service's own trouble."),
    _f("public_url", read_web_url, _URL_SCHEMA, "Address under which people reach the web page."),
    _f("signup", _signup, object_schema(_SIGNUP), "Lets people subscribe themselves on the page."),
    _f("public_feed", read_flag, {"type": "boolean"}, "May anybody follow the events as a feed?"),
    _f("rules_dir", read_text, _STRING, "Folder of the rule files, relative to this file; rules when absent."),
)


def _config(top: At, value: Any) -> Config | None:
    values = mapping(top, value, _TOP)
    if values is None:
        return None
    declared = value.get("channels")
    known = list(declared) if isinstance(declared, dict) else []
    for path, name in _channel_references(value):
        if isinstance(name, str) and name not in known:
            place = At(document=top.document, mistakes=top.mistakes, path=path)
            place.refuse(f"there is no channel {quoted(name)}", near(name, known) or "describe it under channels:")
    _check_signup(top, values)
    return Config(**_present(values))


def _check_signup(top: At, values: Mapping[str, Any]) -> None:
    """What people who sign up are sent is mail, and its links need an address to lead to."""
    signup = values.get("signup")
    if signup is None:
        return
    channel = next((one for one in values.get("channels") or () if one.id == signup.channel), None)
    if channel is not None and channel.kind is not ChannelKind.EMAIL:
        place = top.down("signup").down("channel")
        place.refuse(f"channel {quoted(channel.id)} sends no mail", "name a channel of kind: email")
    if values.get("public_url") is None:
        top.down("signup").refuse("letters of sign-up need an address to lead to", "write public_url: https://…")


def _channel_references(value: dict[str, Any]) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    lists: list[tuple[tuple[str | int, ...], Any]] = [(("ops",), value.get("ops"))]
    if isinstance(signup := value.get("signup"), dict):
        yield ("signup", "channel"), signup.get("channel")
    subscriptions = value.get("subscriptions")
    if isinstance(subscriptions, dict):
        lists += [
            (("subscriptions", k, "channels"), s.get("channels"))
            for k, s in subscriptions.items()
            if isinstance(s, dict)
        ]
    for path, names in lists:
        if isinstance(names, list):
            yield from (((*path, index), name) for index, name in enumerate(names))
