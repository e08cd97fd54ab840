"""The only reader of the environment: one table of settings, and the reading of secrets at their use.

Every setting `x` is the variable `WATCHER_X`, or the file named by `WATCHER_X_FILE`. What is watched and who is told
stands in watcher.yml and is `watcher.config`'s.
"""

from __future__ import annotations

import dataclasses
import difflib
import ipaddress
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from watcher import password
from watcher.errors import CannotHelp, Mistake, Mistakes
from watcher.model import Secret

PREFIX = "WATCHER_"
_MIB = 1024 * 1024
SHARED_HOSTS = ("blogspot.com", "medium.com", "reddit.com", "substack.com", "tumblr.com", "wordpress.com")
METRICS = ("open", "token", "off")
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
_FORMATS = ("auto", "json", "console")
_SIZE = re.compile(r"([0-9]{1,12})\s*(B|KB|KiB|MB|MiB)?")
_UNIT_S = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)\s*(ms|s|m|h|d|w)")


def duration_s(text: str) -> float:
    """Seconds of a duration as people write it: "45s", "15m", "1h30m", "2 d". Raises ValueError on anything else."""
    rest, total = text.strip(), 0.0
    if not rest:
        raise ValueError("empty")
    while rest:
        found = _DURATION.match(rest)
        if not found:
            raise ValueError(f"{text!r} is no duration; write a number and ms, s, m, h, d or w, as 15m or 1h30m")
        total += float(found[1]) * _UNIT_S[found[2]]
        rest = rest[found.end() :].lstrip()
    return total


# ── how one value is read; each raises ValueError with what to write instead ─────────────────────────────────────────


def _text(text: str) -> str:
    return text


def _key(text: str) -> str:
    if len(text) < 32:
        raise ValueError("write at least 32 characters, as `openssl rand -hex 32` makes them")
    return text


def _password(text: str) -> str:
    trouble = password.weak_hash(text) if password.is_hash(text) else password.weakness(text)
    if trouble:
        raise ValueError(trouble)
    return text


def _yes_or_no(text: str) -> bool:
    known = {"yes": True, "true": True, "on": True, "1": True, "no": False, "false": False, "off": False, "0": False}
    if text.lower() not in known:
        raise ValueError("write yes or no")
    return known[text.lower()]


def _metrics(text: str) -> str:
    if text.lower() not in METRICS:
        raise ValueError(f"write one of {', '.join(METRICS)}")
    return text.lower()


def _path(text: str) -> Path:
    return Path(text).expanduser()


def _whole(text: str) -> int:
    if not re.fullmatch(r"[+-]?[0-9]{1,12}", text):
        raise ValueError("write a whole number")
    return int(text)


def _seconds(text: str) -> float:
    if re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,6})?", text):
        return float(text)
    return duration_s(text)


def _whole_seconds(text: str) -> int:
    seconds = _seconds(text)
    if seconds != int(seconds):
        raise ValueError("write whole seconds")
    return int(seconds)


def _bytes(text: str) -> int:
    found = _SIZE.fullmatch(text)
    if not found:
        raise ValueError("write a number of bytes, or as 10 MiB")
    return int(found[1]) * {"K": 1024, "M": _MIB}.get((found[2] or "B")[0], 1)


def _level(text: str) -> str:
    if text.upper() not in _LEVELS:
        raise ValueError(f"write one of {', '.join(_LEVELS)}")
    return text.upper()


def _log_format(text: str) -> str:
    if text.lower() not in _FORMATS:
        raise ValueError(f"write one of {', '.join(_FORMATS)}")
    return text.lower()


def _networks(text: str) -> tuple[str, ...]:
    parts = [part for part in re.split(r"[,\s]+", text) if part]
    for part in parts:
        ipaddress.ip_network(part)  # raises ValueError with the reason
    return tuple(parts)


def _hosts(text: str) -> tuple[str, ...]:
    parts = tuple(part.lower() for part in re.split(r"[,\s]+", text) if part)
    for part in parts:
        if not re.fullmatch(r"[a-z0-9_-]+(\.[a-z0-9_-]+)+/?", part):
            raise ValueError(f"{part!r} is no host name; write tumblr.com, or rsshub.example.org/")
    return parts


def _names(text: str) -> tuple[str, ...]:
    parts = tuple(part.lower().rstrip(".") for part in re.split(r"[,\s]+", text) if part)
    for part in parts:
        if not re.fullmatch(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*", part):
            raise ValueError(f"{part!r} is no host name; write watch.example.org, without scheme and port")
    return parts


def _database(text: str) -> str:
    if not re.match(r"(sqlite|postgresql(\+psycopg)?)://", text):
        raise ValueError("write postgresql+psycopg://user:password@host/name or sqlite:///path")
    return re.sub(r"^postgresql://", "postgresql+psycopg://", text)


def _redis(text: str) -> str:
    if not re.match(r"(rediss?|redis\+socket|unix)://", text):
        raise ValueError("write redis://host:port/0, rediss://… or unix:///path/of/the.sock")
    return text


# ── the table ────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One row of the table. `read` makes the value of the text; `low` and `high` bound numbers, both inclusive."""

    name: str
    read: Callable[[str], Any]
    default: Any
    doc: str
    unit: str = ""
    secret: bool = False
    low: float | None = None
    high: float | None = None

    @property
    def variable(self) -> str:
        return PREFIX + self.name.upper()

    def value(self, text: str) -> Any:
        """The checked value of `text`; raises ValueError with what to write instead."""
        value = self.read(text.strip())
        if self.low is not None and value < self.low:
            raise ValueError(f"must be at least {self.low:g}{' ' + self.unit if self.unit else ''}")
        if self.high is not None and value > self.high:
            raise ValueError(f"must be at most {self.high:g}{' ' + self.unit if self.unit else ''}")
        return value


def _s(name: str, read: Callable[[str], Any], default: Any, doc: str, **more: Any) -> Setting:
    return Setting(name=name, read=read, default=default, doc=doc, **more)


SETTINGS: tuple[Setting, ...] = (
    _s("database_url", _database, None, "Where rows live; unset means SQLite in the data folder.", secret=True),
    _s("redis_url", _redis, None, "The broker; unset means a private Valkey in the data folder.", secret=True),
    _s("secret_key", _key, None, "Signs links in mails; unset means one that the database keeps.", secret=True),
    _s("admin_password", _password, None, "Opens the console: the password, or its Argon2id hash.", secret=True),
    _s("read_only", _yes_or_no, False, "Whether console and API only show, and change nothing."),
    _s("api_per_minute", _whole, 600, "Calls of the API that one token may make in a minute.", low=1, high=1_000_000),
    _s("metrics", _metrics, "token", "Who may read /metrics: all (open), tokens of that scope (token), nobody (off)."),
    _s("data_dir", _path, Path("var"), "Folder of the embedded database and broker."),
    _s("config_path", _path, Path("watcher.yml"), "The file of feeds, channels and subscriptions."),
    _s("rules_dir", _path, None, "Folder of the rule files; unset takes `rules_dir` of watcher.yml."),
    _s("rules_writable", _yes_or_no, False, "Whether the console may write rule files; not where git keeps them."),
    _s("log_level", _level, "INFO", f"One of {', '.join(_LEVELS)}."),
    _s("log_format", _log_format, "auto", "`json` or `console`; `auto` is console where a person looks at a terminal."),
    _s("user_agent_contact", _text, "", "Mail address or page that publishers find in our User-Agent."),
    _s("poll_every_s", _whole_seconds, 3600, "Shortest time between two polls of a feed.", unit="s", low=1),
    _s("poll_max_s", _whole_seconds, 86400, "Longest time between two polls of a feed.", unit="s", low=1),
    _s("host_spacing_s", _seconds, 2.0, "Time between two requests to one host.", unit="s", low=0, high=3600),
    _s(
        "shared_hosts",
        _hosts,
        SHARED_HOSTS,
        "Names under which all hosts count as one (tumblr.com), and hosts whose "
        "first path segments count as one each (rsshub.example.org/).",
    ),
    _s("fetch_connect_s", _seconds, 5.0, "Limit for connecting to a feed's server.", unit="s", low=0.1, high=60),
    _s("fetch_total_s", _seconds, 30.0, "Limit for one whole fetch.", unit="s", low=0.1, high=60),
    _s("fetch_max_bytes", _bytes, 10 * _MIB, "Largest body of a feed, decoded.", unit="bytes", low=1024),
    _s("lease_s", _seconds, 180.0, "How long a claim on a row lasts.", unit="s", low=1, high=3600),
    _s("sweep_every_s", _seconds, 5.0, "Time between two looks for forgotten work.", unit="s", low=0.2, high=60),
    _s("batch", _whole, 50, "Ids in one message, and rows in one claim.", low=1, high=1000),
    _s("deliver_total_s", _seconds, 20.0, "Limit for one attempt of a delivery.", unit="s", low=0.1, high=25),
    _s("deliver_attempts_max", _whole, 100, "Attempts at most, should time not end them first.", low=1, high=1000),
    _s("webhook_retry_s", _seconds, 259200.0, "How long a webhook's message is tried.", unit="s", low=1),
    _s("alert_retry_s", _seconds, 86400.0, "How long an alert by mail or chat is tried.", unit="s", low=1),
    _s("uncertain_retry_s", _seconds, 600.0, "Wait before what may have arrived is sent again.", unit="s", low=0.1),
    _s("retry_base_s", _seconds, 5.0, "First back-off of a failed delivery; it doubles.", unit="s", low=0.1),
    _s("retry_max_s", _seconds, 14400.0, "Longest back-off of a failed delivery.", unit="s", low=0.1),
    _s("park_after", _whole, 5, "Times a row may break us before it is put aside.", low=1, high=100),
    _s("story_days", _whole, 14, "How long after its last item a story takes in further ones.", unit="days", low=1),
    _s("keep_items_days", _whole, 180, "How long an item that no event uses keeps its text.", unit="days", low=1),
    _s("keep_messages_days", _whole, 90, "How long the bytes of a message that ended are kept.", unit="days", low=8),
    _s("canary_every_s", _seconds, 50.0, "Time between two canaries; 0 sends none.", unit="s", low=0, high=3600),
    _s("canary_late_s", _seconds, 60.0, "When a canary that has not arrived is an alarm.", unit="s", low=0.5),
    _s("stall_s", _seconds, 120.0, "When a worker or beat that does nothing is started again.", unit="s", low=2),
    _s("worker_processes", _whole, 2, "Processes of one Celery worker.", low=1, high=256),
    _s("web_host", _text, "127.0.0.1", "Address that the web page listens on."),
    _s("web_port", _whole, 8080, "Port of the web page; 0 takes any free one.", low=0, high=65535),
    _s("web_hosts", _names, (), "Further host names of the page, beside that of public_url, localhost and addresses."),
    _s(
        "trusted_proxies",
        _networks,
        (),
        "Networks (CIDR) of reverse proxies whose X-Forwarded-For and X-Forwarded-Proto are believed; "
        "none: only the connection is.",
    ),
    _s("allow_private", _networks, (), "Networks (CIDR) that feeds may live on although they are private."),
    _s(
        "visibility_timeout_s",
        _whole_seconds,
        300,
        "When a lost message is handed out again.",
        unit="s",
        low=100,
    ),
    _s("sandbox_cpu_s", _whole_seconds, 10, "CPU limit for parsing one document.", unit="s", low=1, high=30),
    _s("sandbox_memory_mb", _whole, 512, "Memory limit of the parsing process.", unit="MB", low=64),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The values of `SETTINGS`, field by field; secrets are left out of `repr`."""

    database_url: str | None = field(default=None, repr=False)
    redis_url: str | None = field(default=None, repr=False)
    secret_key: str | None = field(default=None, repr=False)
    admin_password: str | None = field(default=None, repr=False)
    read_only: bool = False
    api_per_minute: int = 600
    metrics: str = "token"
    data_dir: Path = Path("var")
    config_path: Path = Path("watcher.yml")
    rules_dir: Path | None = None
    rules_writable: bool = False
    log_level: str = "INFO"
    log_format: str = "auto"
    user_agent_contact: str = ""
    poll_every_s: int = 3600
    poll_max_s: int = 86400
    host_spacing_s: float = 2.0
    shared_hosts: tuple[str, ...] = SHARED_HOSTS
    fetch_connect_s: float = 5.0
    fetch_total_s: float = 30.0
    fetch_max_bytes: int = 10 * _MIB
    lease_s: float = 180.0
    sweep_every_s: float = 5.0
    batch: int = 50
    deliver_total_s: float = 20.0
    deliver_attempts_max: int = 100
    webhook_retry_s: float = 259200.0
    alert_retry_s: float = 86400.0
    uncertain_retry_s: float = 600.0
    retry_base_s: float = 5.0
    retry_max_s: float = 14400.0
    park_after: int = 5
    story_days: int = 14
    keep_items_days: int = 180
    keep_messages_days: int = 90
    canary_every_s: float = 50.0
    canary_late_s: float = 60.0
    stall_s: float = 120.0
    worker_processes: int = 2
    web_host: str = "127.0.0.1"
    web_port: int = 8080
    web_hosts: tuple[str, ...] = ()
    trusted_proxies: tuple[str, ...] = ()
    allow_private: tuple[str, ...] = ()
    visibility_timeout_s: int = 300
    sandbox_cpu_s: int = 10
    sandbox_memory_mb: int = 512


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """The settings of `environ` (the process's own by default); raises Mistakes with all of them at once."""
    environ = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    mistakes: list[Mistake] = list(_misspelt(environ))
    for setting in SETTINGS:
        try:
            text = _given(setting, environ)
            values[setting.name] = setting.default if text is None else setting.value(text)
        except (ValueError, OSError) as error:
            message = "does not say anything this program can use" if setting.secret else "cannot be used"
            mistakes.append(Mistake(path=setting.variable, line=0, message=message, instead=str(error)))
    if not mistakes:
        mistakes.extend(_contradictions(values))
    if mistakes:
        raise Mistakes(mistakes)
    return Settings(**values)


def files(environ: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """The files that hold settings which are secrets, as their `_FILE` variables name them."""
    environ = os.environ if environ is None else environ
    named = (environ.get(setting.variable + "_FILE") for setting in SETTINGS if setting.secret)
    return tuple(name for name in named if name)


def _given(setting: Setting, environ: Mapping[str, str]) -> str | None:
    """The setting's text from its variable or its file; an empty variable counts as unset."""
    direct, named = environ.get(setting.variable), environ.get(setting.variable + "_FILE")
    if direct and named:
        raise ValueError(f"unset {setting.variable} or {setting.variable}_FILE: both are given")
    if not named:
        return direct or None
    try:
        return Path(named).read_text("utf-8").strip() or None
    except UnicodeDecodeError:
        raise ValueError(f"{setting.variable}_FILE names a file that is not UTF-8 text") from None
    except OSError as error:
        raise ValueError(f"{setting.variable}_FILE: {named}: {error.strerror}") from None


def _misspelt(environ: Mapping[str, str]) -> list[Mistake]:
    """Variables that are almost a setting: other WATCHER_ names may be secrets that watcher.yml refers to."""
    known = [setting.variable + tail for setting in SETTINGS for tail in ("", "_FILE")]
    mistakes = []
    for name in environ:
        near = [] if not name.startswith(PREFIX) or name in known else difflib.get_close_matches(name, known, 1, 0.93)
        if near:
            mistakes.append(Mistake(path=name, line=0, message="is no setting", instead=f"did you mean {near[0]}?"))
    return mistakes


def _contradictions(values: Mapping[str, Any]) -> list[Mistake]:
    """Pairs of settings that are sound alone and break a promise together."""
    wanted = (
        ("poll_max_s", "poll_every_s", "the longest time between polls is below the shortest"),
        ("retry_max_s", "retry_base_s", "the longest back-off is below the first"),
        ("lease_s", "fetch_total_s", "a claim would end while its fetch still runs, and two workers would fetch"),
        ("lease_s", "deliver_total_s", "a claim would end while its delivery still runs, and two would be sent"),
    )
    return [
        Mistake(
            path=PREFIX + larger.upper(),
            line=0,
            message=why,
            instead=f"make it at least {PREFIX}{smaller.upper()} = {values[smaller]:g}",
        )
        for larger, smaller, why in wanted
        if values[larger] < values[smaller]
    ]


# ── handing settings on, and secrets ─────────────────────────────────────────────────────────────────────────────────


def child_environ(
    settings: Settings, extra: Mapping[str, str] | None = None, environ: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The environment in which a child process loads these same settings; `extra` is laid over it."""
    source = os.environ if environ is None else environ
    child = dict(source)
    for setting in SETTINGS:
        value = getattr(settings, setting.name)
        if _given_value(setting, source) == value:
            continue
        child.pop(setting.variable + "_FILE", None)
        child.pop(setting.variable, None)
        if value != setting.default:
            child[setting.variable] = " ".join(value) if isinstance(value, tuple) else str(value)
    return child | dict(extra or {})


def given_by(setting: Setting, value: Any, environ: Mapping[str, str] | None = None) -> str:
    """Where a value in force came from: the environment, a file, the command line, or nowhere: `default`."""
    source = os.environ if environ is None else environ
    if _given_value(setting, source) != value:
        return "command line"
    if source.get(setting.variable + "_FILE"):
        return "file"
    return "environment" if source.get(setting.variable) else "default"


def _given_value(setting: Setting, environ: Mapping[str, str]) -> Any:
    try:
        text = _given(setting, environ)
        return setting.default if text is None else setting.value(text)
    except (ValueError, OSError):
        return None


def secrets(settings: Settings) -> tuple[str, ...]:
    """The values that no log may hold."""
    values = (getattr(settings, setting.name) for setting in SETTINGS if setting.secret)
    return tuple(str(value) for value in values if value is not None)


def shown(settings: Settings) -> dict[str, Any]:
    """Every setting by its variable's name for people and `--json`; a secret is only said to be set or not."""
    rows: dict[str, Any] = {}
    for setting in SETTINGS:
        value = getattr(settings, setting.name)
        if setting.secret:
            value = None if value is None else "(set)"
        rows[setting.variable] = str(value) if isinstance(value, Path) else value
    return rows


def resolve(secret: Secret, environ: Mapping[str, str] | None = None, base: Path = Path()) -> str:
    """The secret's value, read now: a variable of `environ`, or a file relative to `base`.

    Raises CannotHelp with the secret's place, never its value, when it is missing, unreadable or empty.
    """
    environ = os.environ if environ is None else environ
    if secret.env is not None:
        value, place = environ.get(secret.env, ""), f"the variable {secret.env}"
    else:
        path = base / Path(secret.file or "").expanduser()
        place = f"the file {path}"
        try:
            value = path.read_text("utf-8").strip()
        except OSError as error:
            raise CannotHelp(f"cannot read the secret in {place}: {error.strerror}") from None
        except UnicodeDecodeError:
            raise CannotHelp(f"cannot read the secret in {place}: it is not UTF-8 text") from None
    if not value:
        raise CannotHelp(f"the secret in {place} is missing or empty")
    return value


def with_values(settings: Settings, **values: Any) -> Settings:
    """A copy with some values replaced, for commands whose options override the environment."""
    return dataclasses.replace(settings, **{name: value for name, value in values.items() if value is not None})
