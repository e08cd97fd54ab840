"""The composition root: settings in, everything the line needs out. Opened once in each process, after any fork."""

from __future__ import annotations

import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

from watcher import config as config_file
from watcher import log, settings
from watcher.bell import Bell
from watcher.data import shipped_rules
from watcher.deliver.channel import Channel
from watcher.deliver.registry import open_channel
from watcher.deliver.senders import Senders
from watcher.deliver.smtp_pool import POOL
from watcher.errors import CannotHelp, Mistake, Mistakes, TryAgain
from watcher.match.compile import compile_rules
from watcher.match.evaluate import Engine
from watcher.match.language import load_rules, rule_files
from watcher.match.own import own_version
from watcher.model import ChannelConfig, ChannelKind, Config, FactKind, Secret
from watcher.net.client import USER_AGENT, GuardedClient
from watcher.sandbox import Sandbox
from watcher.settings import Settings
from watcher.store import overview
from watcher.store.database import Database
from watcher.story.same import Weights

_LOOK_EVERY_S = 5.0
_MEASURE_EVERY_S = 60.0
_TRIAL_CPU_S = 30
_TRIAL_MEMORY_MB = 1024
"""The shipped rules take about 130 MB and 3 s to compile."""
_log = log.get("runtime")


def database_url(chosen: Settings) -> str:
    """The database that the settings name, else the SQLite file in the data folder."""
    return chosen.database_url or f"sqlite:///{(chosen.data_dir / 'watcher.db').resolve()}"


class RuleBook:
    """The compiled rules of a folder; looks for changed files every few seconds and keeps the last good ones."""

    def __init__(self, folder: Path, *, bell: Bell | None = None) -> None:
        self.folder = folder
        self._bell = bell
        self._heard = 0
        self.mistakes: Mistakes | None = None
        """What is wrong with the files as they are now; None while they are good."""
        self._engine: Engine | None = None
        self._files: dict[str, str] = {}
        self._own: dict[str, str] = {}
        self._stamp: tuple[tuple[str, int, int], ...] | None = None
        self._looked_at = 0.0
        self._looking = threading.Lock()

    def engine(self) -> Engine:
        """The engine of the newest good rules; while one thread compiles new ones, others get the old.

        Raises Mistakes when there never were any.
        """
        if self._stamp is None or time.monotonic() - self._looked_at > _LOOK_EVERY_S or self._rung() != self._heard:
            self._look()
        if self._engine is None:
            self._look()  # waits for the thread that compiles the first ones
        if self._engine is None:
            raise self.mistakes or Mistakes([])
        return self._engine

    def _look(self) -> None:
        if not self._looking.acquire(blocking=self._engine is None):
            return
        try:
            self._looked_at, self._heard = time.monotonic(), self._rung()
            stamp = self._files_now()
            if stamp != self._stamp:
                self._reload()
                self._stamp = stamp
        finally:
            self._looking.release()

    def _rung(self) -> int:
        return self._bell.rung() if self._bell else 0

    @property
    def files(self) -> dict[str, str]:
        """The text of the rule files that `engine` was compiled from, by name."""
        return self._files

    @property
    def own(self) -> dict[str, str]:
        """The own version of each rule of `engine`, by its id."""
        return self._own

    def _files_now(self) -> tuple[tuple[str, int, int], ...]:
        stats = ((path, path.stat()) for path in rule_files(self.folder))
        return tuple((str(path), stat.st_mtime_ns, stat.st_size) for path, stat in stats)

    def _reload(self) -> None:
        try:
            paths = rule_files(self.folder)
            files = {str(path.relative_to(self.folder)): path.read_text("utf-8", "replace") for path in paths}
            engine = compile_rules(load_rules(self.folder))
            own = {rule.id: own_version(rule, files) for rule in engine.rule_set.rules}
        except OSError as error:
            mistakes = Mistakes([Mistake(path=str(self.folder), line=0, message=f"cannot be read: {error.strerror}")])
            self.mistakes = mistakes
            return
        except Mistakes as mistakes:
            self.mistakes = mistakes
            _log.error("rules refused, the last good ones stay", mistakes=[str(one) for one in mistakes.mistakes])
            return
        self.mistakes, self._engine, self._files, self._own = None, engine, files, own

    def tells_amounts(self, rule_id: str) -> bool:
        """Whether events of the rule can name an amount, so that one without it is unknown and not free of money."""
        rule = self.engine().rule_set.rule(rule_id)
        return rule is None or any(fact.kind is FactKind.MONEY for fact in rule.facts)


class Clock:
    """The present by the database's clock, so that machines whose clocks differ agree on what is due.

    Its distance from ours is measured once a minute; while the database is away the last distance stands.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._ahead = timedelta()
        self._measured_at: float | None = None

    def __call__(self) -> datetime:
        if self._measured_at is None or time.monotonic() - self._measured_at > _MEASURE_EVERY_S:
            self._measured_at = time.monotonic()
            try:
                self._ahead = self._database.clock_ahead()
            except TryAgain as away:
                _log.warning("the database's clock cannot be read", why=str(away))
        return datetime.now(UTC) + self._ahead


def _nothing(_point: str) -> None:
    """Where nobody breaks anything on purpose."""


@dataclass(slots=True, kw_only=True)
class Runtime:
    """What one process needs to run steps of the line."""

    settings: Settings
    database: Database
    client: GuardedClient
    local_client: GuardedClient
    """For channels that may reach a private network."""
    sandbox: Sandbox
    trial: Sandbox
    """Where rules that are being written are read and tried: whatever they do, this process goes on."""
    rules: RuleBook
    owner: str
    """Which process this is."""
    clock: Callable[[], datetime]
    sleep: Callable[[float], None] = time.sleep
    """How a thread waits so many seconds for its turn; a test with a clock of its own moves that instead."""
    checkpoint: Callable[[str], None] = _nothing
    """Called at the named points of a step; the drills kill the process there."""
    interrupts: tuple[type[BaseException], ...] = ()
    """What may be raised in the middle of anything and is no fault of the row at hand: a task's time limit."""
    config_stamp: tuple[int, int] | None = None
    """Of the watcher.yml in force."""
    config_seen: tuple[int, int] | None = None
    """Of the watcher.yml at the last look."""
    bell: Bell
    """Rung when somebody asks for a reload."""
    bell_heard: int | None = None
    """The ring for which this process has last reloaded."""
    names_checked: tuple[str, tuple[int, int] | None] | None = None
    """Of the rules and the watcher.yml whose names of rules were last compared."""
    templates: dict[str, object] = field(default_factory=dict)
    """By folder: the mail templates of one's own that are in force."""
    explaining: Sandbox = field(default_factory=lambda: Sandbox(cpu_s=25, memory_mb=2048))
    """Where rules are walked through for people: a child apart from the one that every message needs."""
    explaining_turns: threading.BoundedSemaphore = field(default_factory=lambda: threading.BoundedSemaphore(3))
    senders: Senders = field(default_factory=Senders)
    """The threads that send; they may outlast the step that started them."""
    weights: Weights = field(default_factory=Weights)
    """How rare words are in this process's sample of items, and when it was taken."""
    weighed_at: datetime | None = None
    _turns: Iterator[int] = field(default_factory=count)
    _signing_key: str | None = field(default=None, repr=False)

    def new_owner(self) -> str:
        """Who holds the leases of one run of a step: no two runs share it, so that a late one cannot finish for us."""
        return f"{self.owner}:{next(self._turns)}"

    def resolve(self, secret: Secret) -> str:
        """The value of a secret, read now."""
        return settings.resolve(secret, base=self.settings.config_path.parent)

    def signing_key(self) -> str:
        """With what our addresses are signed: the setting's key, else the one that the database keeps; asked once."""
        if self._signing_key is None:
            key = self.settings.secret_key
            if key is None:
                with self.database.read() as conn:
                    key = overview.remembered(conn, "signing_key")
            if key is None:
                with self.database.write() as conn:
                    key = overview.signing_key(conn)
            self._signing_key = key
        return self._signing_key

    def channel(self, config: ChannelConfig) -> Channel:
        """The way out that the configuration describes. Raises CannotHelp when a secret of it is missing."""
        private = config.kind is not ChannelKind.EMAIL and config.allow_private
        client = self.local_client if private else self.client
        return open_channel(
            config,
            client=client,
            resolve=self.resolve,
            timeout_s=self.settings.deliver_total_s,
            signing_key=self.signing_key,
        )

    def close(self) -> None:
        """Let what is being sent end, then close connections and the sandbox child."""
        if not self.senders.close(within_s=SENDING_S):
            _log.warning("gave up waiting for messages that hang; their leases end by themselves")
        POOL.close()
        self.sandbox.close()
        self.explaining.close()
        self.trial.close()
        self.client.close()
        self.local_client.close()
        self.database.close()


SENDING_S = 22.0
"""How long the end of a process waits for messages that are being sent: less than `watcher up` waits for a worker."""
PRIVATE_NETWORKS = ("127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
"""What `allow_private: true` on a channel opens: loopback and the private ranges of RFC 1918 and RFC 4193."""


def open(chosen: Settings, *, clock: Callable[[], datetime] | None = None) -> Runtime:
    """Everything a process needs; nothing is contacted yet. Raises Mistakes or CannotHelp for unusable settings."""

    def client(allowed: tuple[str, ...]) -> GuardedClient:
        return GuardedClient(
            allow_private=allowed,
            user_agent=user_agent(chosen),
            connect_s=chosen.fetch_connect_s,
            total_s=chosen.fetch_total_s,
        )

    database, bell = Database(database_url(chosen)), Bell(chosen)
    return Runtime(
        settings=chosen,
        database=database,
        client=client(chosen.allow_private),
        local_client=client((*chosen.allow_private, *PRIVATE_NETWORKS)),
        sandbox=Sandbox(cpu_s=chosen.sandbox_cpu_s, memory_mb=chosen.sandbox_memory_mb),
        trial=Sandbox(cpu_s=_TRIAL_CPU_S, memory_mb=_TRIAL_MEMORY_MB),
        rules=RuleBook(rules_folder(chosen), bell=bell),
        bell=bell,
        owner=f"{socket.gethostname()[:24]}:{os.getpid()}:{uuid.uuid4().hex[:8]}",
        clock=clock or Clock(database),
    )


def user_agent(chosen: Settings) -> str:
    """What publishers see: the program, its version, what it is, and whom to ask about it."""
    contact = "".join(sign for sign in chosen.user_agent_contact if "!" <= sign <= "~" and sign not in "()")
    if not contact:
        return USER_AGENT
    scheme = "mailto:" if "@" in contact and ":" not in contact else ""
    return USER_AGENT.replace("contact not set", f"+{scheme}{contact}")


def rules_folder(chosen: Settings, config: Config | None = None) -> Path:
    """The folder of the rule files: the setting, else what watcher.yml says, else the shipped rules.

    Raises CannotHelp when there is none of the three.
    """
    if chosen.rules_dir:
        return chosen.rules_dir
    if config is None and chosen.config_path.is_file():
        try:
            config = config_file.load(chosen.config_path)
        except Mistakes:
            config = None
    named = chosen.config_path.parent / (config.rules_dir if config else Config().rules_dir)
    if chosen.config_path.is_file() and named.is_dir():
        return named
    shipped = shipped_rules()
    if shipped is None:
        raise CannotHelp("no rule files: write a rules folder beside watcher.yml, or `watcher init` does")
    return shipped
