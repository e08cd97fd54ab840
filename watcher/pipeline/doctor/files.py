"""What people wrote: watcher.yml, rules, secrets and who may read them, the console's password, the public address."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from watcher import config as config_file
from watcher import password, settings
from watcher.errors import CannotHelp, Mistakes
from watcher.match.language import load_rules
from watcher.model import ChannelConfig, ChannelKind, Secret
from watcher.pipeline.doctor.finding import Finding, bad, ok, skipped, warn
from watcher.runtime import Runtime
from watcher.store import overview

_SHOWN = 3


def configuration(rt: Runtime) -> Iterator[Finding]:
    """watcher.yml without mistakes."""
    path = rt.settings.config_path
    if not path.is_file():
        yield warn("configuration", f"there is no {path}", "`watcher init` writes one; feeds may also come by command")
        return
    try:
        loaded = config_file.load(path)
    except Mistakes as mistakes:
        yield _refused("configuration", mistakes, "`watcher config check` shows all; the last good one stays in force")
        return
    yield ok("configuration", f"{path}: {len(loaded.feeds)} feeds, {len(loaded.channels)} channels")
    if not loaded.ops:
        yield warn("ops", "nobody is told when something breaks", "name a channel under `ops:` in watcher.yml")


def rules(rt: Runtime) -> Iterator[Finding]:
    """The rule files without mistakes."""
    try:
        found = load_rules(rt.rules.folder)
    except Mistakes as mistakes:
        yield _refused("rules", mistakes, "`watcher rules lint` shows all; the last good ones stay in force")
        return
    yield ok("rules", f"{len(found.rules)} in {rt.rules.folder}")


def _refused(check: str, mistakes: Mistakes, advice: str) -> Finding:
    shown = "; ".join(str(one) for one in mistakes.mistakes[:_SHOWN])
    more = len(mistakes.mistakes) - _SHOWN
    return bad(check, shown + (f"; and {more} more" if more > 0 else ""), advice)


def secrets(rt: Runtime, ways: Sequence[ChannelConfig]) -> Iterator[Finding]:
    """Every secret that a channel names is there, and no file of ours that holds one is open to others."""
    base, wrong = rt.settings.config_path.parent, 0
    paths = [Path(one) for one in settings.files()]
    for way in ways:
        for secret in (way.smtp_url, way.url, way.secret, way.old_secret, way.dkim.key if way.dkim else None):
            if not isinstance(secret, Secret):
                continue
            if secret.file:
                paths.append(base / Path(secret.file).expanduser())
            try:
                rt.resolve(secret)
            except CannotHelp as missing:
                wrong += 1
                yield bad("secrets", f"channel {way.id}: {missing}", "set it; `watcher config check` names all")
    if rt.database.path is not None:
        paths.append(rt.database.path)
    for path in dict.fromkeys(paths):
        if path.is_file() and (mode := stat.S_IMODE(path.stat().st_mode)) & 0o077:
            wrong += 1
            yield _open_to_others(path, mode)
    if not wrong:
        yield ok("secrets", "all there, and for their owner alone")


def _open_to_others(path: Path, mode: int) -> Finding:
    who = "everybody" if mode & 0o007 else "its group"
    return warn("secrets", f"{path} is open to {who} ({mode:04o})", f"chmod 600 {path}")


def console(rt: Runtime) -> Iterator[Finding]:
    """A password that lets operators in, and the key that signs links."""
    text = rt.settings.admin_password
    if text is None and rt.settings.database_url is None:
        text = password.read_in(rt.settings.data_dir)
    if text is None:
        yield warn("console", "nobody can log in: there is no password", "set WATCHER_ADMIN_PASSWORD_FILE")
    elif (weak := password.weak_hash(text) if password.is_hash(text) else password.weakness(text)) is not None:
        yield warn("console", f"its password: {weak}", "`watcher admin password` makes a better one")
    else:
        yield ok("console", "its password is set")
    if rt.settings.secret_key is None and rt.settings.database_url is not None:
        told = "links are signed with a key that the database keeps: whoever reads the rows can sign"
        yield ok("signing key", f"{told}; WATCHER_SECRET_KEY_FILE would keep it apart")
    else:
        yield ok(
            "signing key", "from the setting" if rt.settings.secret_key else "kept in the database, and in backups"
        )


def links(rt: Runtime, ways: Sequence[ChannelConfig]) -> Iterator[Finding]:
    """Mail without a public address has no links to unsubscribe, judge or read on."""
    if not rt.database.current():
        yield skipped("public_url", "the schema is not the newest")
        return
    with rt.database.read() as conn:
        public = overview.remembered(conn, "public_url")
    mails = any(way.kind is ChannelKind.EMAIL for way in ways)
    if not public and mails:
        yield warn("public_url", "mails have no link to unsubscribe with", "set public_url in watcher.yml")
    elif not public:
        yield ok("public_url", "not set, and no mail needs it")
    elif not str(public).startswith("https://"):
        yield warn("public_url", f"{public} is not https: what readers click can be read on the way", "serve it by TLS")
    else:
        yield ok("public_url", str(public))
