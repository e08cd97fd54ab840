"""Mail templates of one's own: read from a channel's folder, tried out before use, the last good ones kept.

The last good ones are a row of the database, so that they outlast a worker and hold on every machine; where there
never were any, the shipped templates stand in. What is wrong is told to `ops:` with file and line.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from watcher import log, wire
from watcher.digest.render import NAMES, payload
from watcher.digest.sample import samples
from watcher.errors import Mistake, Mistakes, SandboxFailed
from watcher.model import ChannelConfig, ChannelKind, Notice
from watcher.pipeline import reload_state
from watcher.pipeline.reload_state import Files
from watcher.pipeline.steps import notify
from watcher.runtime import Runtime
from watcher.sandbox import Sandbox
from watcher.store import overview

TRIAL_S = 5.0
"""How long one template may take over all samples."""
_LOOK_EVERY_S = 5.0
_MOST_FILES, _MOST_BYTES = 20, 200_000
_log = log.get("templates")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What a process knows of a folder."""

    version: str
    """Of the folder as it was at the last look, good or not."""
    looked_at: float
    heard: int
    """The ring of the bell before that look."""
    good: Mapping[str, str]
    """The templates in force; none where the shipped ones are."""


def in_force(rt: Runtime, config: ChannelConfig) -> Mapping[str, str]:
    """The channel's own templates, looked at every few seconds; empty where the shipped ones are in force."""
    if config.kind is not ChannelKind.EMAIL or not config.templates:
        return {}
    known = rt.templates.get(config.templates)
    heard = rt.bell.rung()
    if isinstance(known, Kept) and time.monotonic() - known.looked_at < _LOOK_EVERY_S and known.heard == heard:
        return known.good
    folder = rt.settings.config_path.parent / config.templates
    mistakes: list[Mistake] = []
    try:
        files = read_folder(folder)
    except Mistakes as found:
        files, mistakes = {}, list(found.mistakes)
    version = _version(files)
    if isinstance(known, Kept) and known.version == version:
        good = known.good
    else:
        good = _chosen(rt, config, folder, files, version, mistakes)
    rt.templates[config.templates] = Kept(version=version, looked_at=time.monotonic(), heard=heard, good=good)
    return good


def _chosen(
    rt: Runtime, config: ChannelConfig, folder: Path, files: Mapping[str, str], version: str, mistakes: list[Mistake]
) -> Mapping[str, str]:
    """These files when they are good, else the last ones that were."""
    row = _row(str(config.templates))
    with rt.database.read() as conn:
        last = overview.remembered(conn, row)
    if not mistakes and last and last["version"] == version:
        reload_state.note(rt, Files.TEMPLATES, version=version[:12])
        return files
    mistakes = mistakes or try_out(rt.sandbox, folder, files)
    if not mistakes:
        with rt.database.write() as conn:
            overview.remember(conn, row, {"version": version, "files": dict(files)})
        reload_state.note(rt, Files.TEMPLATES, version=version[:12])
        return files
    stay = "The last good ones stay in use." if last else "The shipped templates are used."
    tell(rt, config, version, mistakes, stay)
    in_use = str(last["version"])[:12] if last else ""
    reload_state.note(rt, Files.TEMPLATES, version=in_use, mistakes=[str(one) for one in mistakes])
    kept: Mapping[str, str] = last["files"] if last else {}
    return kept


def tell(rt: Runtime, config: ChannelConfig, version: str, mistakes: list[Mistake], stay: str) -> None:
    """Let `ops:` know once for each version of the folder."""
    _log.error("templates refused", channel=config.id, mistakes=[str(one) for one in mistakes])
    lines = (*(str(one) for one in mistakes[:20]), stay)
    told = Notice(subject=f"The templates of channel {config.id} cannot be used", lines=lines)
    notify(rt, f"templates:{config.id}:{version[:32]}:{len(mistakes)}", told)


def broken(rt: Runtime, config: ChannelConfig, own: Mapping[str, str], mistake: Mistake) -> None:
    """Templates that were good on samples and failed on a real digest: this message takes the shipped ones."""
    folder = rt.settings.config_path.parent / str(config.templates)
    named = Mistake(path=str(folder / mistake.path), line=mistake.line, message=mistake.message)
    tell(rt, config, _version(own), [named], "This message was written with the shipped templates.")


def read_folder(folder: Path) -> dict[str, str]:
    """Every `*.j2` in the folder, by name. Raises Mistakes: no folder, none of the names, not text, too large."""
    if not folder.is_dir():
        raise Mistakes([Mistake(path=str(folder), line=0, message="no such folder of templates")])
    files: dict[str, str] = {}
    mistakes = []
    for path in sorted(folder.glob("*.j2"))[:_MOST_FILES]:
        try:
            if path.stat().st_size > _MOST_BYTES:
                mistakes.append(Mistake(path=str(path), line=0, message=f"larger than {_MOST_BYTES:,} bytes"))
                continue
            files[path.name] = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            mistakes.append(Mistake(path=str(path), line=0, message=f"cannot be read: {error}"))
    if not mistakes and not any(name in files for name in NAMES):
        mistakes.append(Mistake(path=str(folder), line=0, message=f"no template here is called {' or '.join(NAMES)}"))
    if mistakes:
        raise Mistakes(mistakes)
    return files


def try_out(sandbox: Sandbox, folder: Path, files: Mapping[str, str]) -> list[Mistake]:
    """What is wrong with each template on sample digests, rendered in the child; nothing when all are good."""
    found = []
    asked = [payload(view) for view in samples()]
    for name in (one for one in NAMES if one in files):
        trial = {"name": name, "own": dict(files), "samples": asked}
        try:
            answer = sandbox.call("watcher.digest.render:try_json", trial, timeout_s=TRIAL_S)
        except SandboxFailed as failed:
            found.append(Mistake(path=str(folder / name), line=0, message=str(failed)))
            continue
        if answer is not None:
            one = wire.load(Mistake, answer)
            found.append(Mistake(path=str(folder / (one.path or name)), line=one.line, message=one.message))
    return found


def _row(folder: str) -> str:
    """The name under which the database keeps a folder's last good templates."""
    return f"templates:{hashlib.sha256(folder.encode()).hexdigest()[:28]}"


def _version(files: Mapping[str, str]) -> str:
    whole = hashlib.sha256()
    for name, text in sorted(files.items()):
        whole.update(f"{name}\0{text}\0".encode())
    return whole.hexdigest()
