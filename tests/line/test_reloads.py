"""P18 on the real line: files are swapped for bad ones while news come in; the last good ones do all the work."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import select
from stage import HERE, Stage

from watcher import runtime, settings
from watcher.pipeline import reload_state
from watcher.pipeline.reload_state import Files
from watcher.store.schema import feeds

SWAPS = int(os.environ.get("LINE_TEST_SWAPS", "5"))
"""On each of the two databases: each kind on both; `make drills` swaps twenty times."""
OWN = "{{ title }}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Swap:
    """A file made bad: which, how, which kind of files it is, and where the mistake is said to be."""

    file: str
    spoil: Callable[[str], str]
    files: Files
    line: int


SWAPPED = {
    "bad YAML": Swap(file="watcher.yml", spoil=lambda _text: "feeds: []\nchannels: [\n", files=Files.CONFIG, line=3),
    "bad regex": Swap(
        file="rules/line-test.yml",
        spoil=lambda text: text.replace("- closed a round", "- regex: '(?=closed)'"),
        files=Files.RULES,
        line=9,
    ),
    "bad template": Swap(
        file="mail/digest.txt.j2", spoil=lambda text: text + "{{ nothing }}\n", files=Files.TEMPLATES, line=2
    ),
    "half-written watcher.yml": Swap(
        file="watcher.yml", spoil=lambda text: text[: text.index("kind: slack") + 7], files=Files.CONFIG, line=0
    ),
    "half-written rule": Swap(
        file="rules/line-test.yml",
        spoil=lambda text: text[: text.index("condition")],
        files=Files.RULES,
        line=0,
    ),
}


def _set_up(stage: Stage) -> None:
    """Files of its own for a stage: rules, mail templates and a watcher.yml that names them."""
    shutil.copytree(HERE / "rules", stage.folder / "rules")
    (stage.folder / "mail").mkdir()
    (stage.folder / "mail" / "digest.txt.j2").write_text(OWN)
    path = stage.folder / "watcher.yml"
    path.write_text(path.read_text().replace("kind: email,", "kind: email, templates: mail,"))
    stage.environ["WATCHER_RULES_DIR"] = str(stage.folder / "rules")
    stage.runtime.close()
    stage.runtime = runtime.open(settings.load(stage.environ))


def _state(stage: Stage, files: Files) -> reload_state.Reload | None:
    with stage.runtime.database.read() as conn:
        return reload_state.read(conn, files)


def _refused(stage: Stage, swap: Swap) -> bool:
    found = _state(stage, swap.files)
    return found is not None and not found.ok


def _sound(stage: Stage) -> bool:
    found = [_state(stage, one) for one in Files]
    return all(one is not None and one.ok for one in found)


def _all_polled(stage: Stage) -> bool:
    """What is published while a feed is being asked is found an hour later."""
    with stage.runtime.database.read() as conn:
        return conn.execute(select(feeds.c.id).where(feeds.c.last_polled_at.is_(None))).first() is None


def _ask(stage: Stage) -> None:
    os.kill(stage.processes[0].pid, signal.SIGHUP)


def _another_good_rule(path: Path, number: int) -> str:
    """The same rule in other words: another version, which reads what comes and nothing that was read."""
    text = path.read_text().splitlines()
    text[1] = f"title: Rounds of the line test, edition {number}"
    return "\n".join(text) + "\n"


@pytest.mark.timeout(300)
def test_p18_bad_files_never_take_effect_and_changed_rules_tell_nothing_again(stage: Stage) -> None:
    _set_up(stage)
    stage.worker()
    stage.beat()
    stage.wait(lambda: _state(stage, Files.CONFIG) is not None, what="the first watcher.yml")
    _ask(stage)
    stage.wait(lambda: _sound(stage), what="every file in force")
    stage.wait(lambda: _all_polled(stage), what="the first polls")
    first = _state(stage, Files.RULES)
    assert first is not None
    versions, rule = {first.version}, stage.folder / "rules" / "line-test.yml"
    for number in range(SWAPS):
        name, swap = list(SWAPPED.items())[number % len(SWAPPED)]
        path = stage.folder / swap.file
        good, in_force = path.read_text(), _state(stage, Files.RULES)
        path.write_text(swap.spoil(good))
        _ask(stage)
        stage.wait(lambda swap=swap: _refused(stage, swap), what=f"the refusal of {name}")
        found = _state(stage, swap.files)
        assert found is not None
        assert str(path) in found.mistakes[0]
        assert not swap.line or f"{path.name}:{swap.line}:" in found.mistakes[0], found.mistakes
        stage.publish(0, range(number + 1))
        stage.poll()
        stage.wait(lambda number=number: len(stage.hooked()) == number + 1, what=f"news under {name}")
        now = _state(stage, Files.RULES)
        assert now is not None
        assert in_force is not None
        # a process that had nothing to do under the newest good rules holds those of before
        assert now.version in versions | {in_force.version}, "rules were in force that were never good"
        path.write_text(good)
        rule.write_text(_another_good_rule(rule, number))
        _ask(stage)
        stage.wait(lambda: _sound(stage), what="every file in force again")
        stage.wait(lambda old=in_force.version: _state(stage, Files.RULES).version != old, what="the changed rule")
        versions.add(_state(stage, Files.RULES).version)
    stage.wait(stage.quiet, what="an empty outbox")
    assert stage.hooked() == {f"Acme {number} funded": 1 for number in range(SWAPS)}
    assert len(versions) == SWAPS + 1
    print(f"P18: {SWAPS} bad files and {SWAPS} changed rules; 0 of {SWAPS} missed, 0 told again")
