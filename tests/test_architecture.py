"""What the architecture promises and no import contract can say: where SQL, the environment and broad excepts live."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from services import process

from watcher.settings import SETTINGS

ROOT = Path(__file__).resolve().parents[1]
MODULES = sorted(path for folder in ("watcher", "workers") for path in (ROOT / folder).rglob("*.py"))
DRIVERS = {"sqlalchemy", "alembic", "sqlite3", "psycopg"}
STATEMENT = re.compile(
    r"\b(SELECT\s.+\sFROM\s|INSERT\s+INTO\s|UPDATE\s+\S+\s+SET\s|DELETE\s+FROM\s|(CREATE|DROP|ALTER)\s+TABLE\b|PRAGMA\s)",
    re.DOTALL,
)
VAGUE_NAMES = {"util", "utils", "helper", "helpers", "common", "manager", "managers", "handler", "handlers", "misc"}
CATCH_ALL_PLACES = {"workers/base.py", "watcher/pipeline/steps.py"}
# written in halves, so that this file does not hold what it looks for
OPEN_ENDS = re.compile(r"\b(" + "TO" + "DO|FIX" + r"ME)\b")
FOREIGN_ADDRESSES = re.compile("python" + r"hosted|pypi\.org/" + "simple|index" + "-url[ =]+http|/wor" + "k/")
EAGER = re.compile("always_" + "eager")


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _in_store(path: Path) -> bool:
    return _name(path).startswith(("watcher/store/", "watcher/runtime"))


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def _strings(tree: ast.Module) -> Iterator[str]:
    documents = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documents:
            yield node.value


def _tracked_files() -> list[Path]:
    try:
        found = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        process.missing("a git checkout")
    return [path for name in found.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def _lines_with(pattern: re.Pattern[str]) -> list[str]:
    found = []
    for path in _tracked_files():
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            continue
        found += [f"{_name(path)}:{n}: {line.strip()[:120]}" for n, line in enumerate(lines, 1) if pattern.search(line)]
    return found


def test_only_the_store_speaks_to_a_database() -> None:
    others = [path for path in MODULES if not _in_store(path)]
    drivers = {_name(path): used for path in others if (used := DRIVERS & set(_imports(_tree(path))))}
    statements = {_name(path): text for path in others for text in _strings(_tree(path)) if STATEMENT.search(text)}
    assert (drivers, statements) == ({}, {})


@pytest.mark.parametrize(
    "text, is_sql",
    [
        ("SELECT id FROM feeds", True),
        ("UPDATE feeds SET etag = NULL", True),
        ("DELETE FROM feeds", True),
        ("PRAGMA journal_mode", True),
        ("Select a city from the list", False),
        ("an UPDATE of the deal", False),
    ],
)
def test_sql_is_told_from_prose(text: str, is_sql: bool) -> None:
    assert bool(STATEMENT.search(text)) == is_sql


def _reads_environment(tree: ast.Module) -> bool:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "environb", "getenv"):
            return True
        if isinstance(node, ast.ImportFrom) and node.module == "os":
            return any(alias.name in ("environ", "environb", "getenv") for alias in node.names)
    return False


def test_only_the_settings_read_the_environment() -> None:
    readers = [_name(path) for path in MODULES if _reads_environment(_tree(path))]
    assert readers == ["watcher/settings.py"]


def _catches_all(tree: ast.Module) -> bool:
    for node in ast.walk(tree):
        # cleaning up and raising again swallows nothing
        if isinstance(node, ast.ExceptHandler) and not (isinstance(node.body[-1], ast.Raise) and not node.body[-1].exc):
            kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            if any(kind is None or getattr(kind, "id", "") in ("Exception", "BaseException") for kind in kinds):
                return True
    return False


def test_broad_excepts_stay_where_one_bad_piece_of_work_must_not_stop_the_rest() -> None:
    assert {_name(path) for path in MODULES if _catches_all(_tree(path))} <= CATCH_ALL_PLACES


def test_modules_are_named_after_what_they_are_about() -> None:
    vague = [_name(path) for path in MODULES if VAGUE_NAMES & {*path.relative_to(ROOT).with_suffix("").parts}]
    assert vague == []


def test_every_module_says_its_duty() -> None:
    bare = [path for path in MODULES if path.stat().st_size and not ast.get_docstring(_tree(path))]
    assert [_name(path) for path in bare] == []


def test_the_import_contracts_hold() -> None:
    code = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    result = subprocess.run([sys.executable, "-c", code, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


def test_nothing_is_left_for_later() -> None:
    assert _lines_with(OPEN_ENDS) == []


def test_no_file_names_a_package_registry_or_a_folder_of_one_machine() -> None:
    assert _lines_with(FOREIGN_ADDRESSES) == []


def test_no_test_runs_tasks_eagerly() -> None:
    """Eager mode hides a misspelt queue and a message that cannot be written."""
    assert _lines_with(EAGER) == []


def test_every_setting_has_its_row_in_the_readme() -> None:
    rows = [line for line in (ROOT / "README.md").read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    missing = [setting.variable for setting in SETTINGS if not any(f"`{setting.variable}`" in row for row in rows)]
    assert missing == []


def test_the_readme_names_no_setting_that_is_not_there() -> None:
    known = {setting.variable + tail for setting in SETTINGS for tail in ("", "_FILE")} | {"WATCHER_TESTS_STRICT"}
    rows = [line for line in (ROOT / "README.md").read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    named = {name for row in rows for name in re.findall(r"`(WATCHER_[A-Z_]+)`", row.split("|")[1])}
    assert named - known == set()


def _words(command: str | list[str] | None) -> list[str]:
    words = command.split() if isinstance(command, str) else [str(word) for word in command or []]
    return [part for word in words for part in word.split("=", 1)]


def _queues_of(service: dict[str, Any], every: tuple[str, ...]) -> set[str]:
    words = _words(service.get("entrypoint")) + _words(service.get("command"))
    if "worker" not in words:
        return set()
    named = [after for word, after in pairwise(words) if word in ("--queues", "-Q")]
    return {queue for names in named for queue in names.split(",")} if named else set(every)


@pytest.mark.parametrize(
    "command, queues",
    [
        ("watcher worker --queues a,b", {"a", "b"}),
        (["python", "-m", "workers", "worker", "--queues=b"], {"b"}),
        ("watcher worker", {"a", "b"}),
        ("watcher beat", set()),
    ],
)
def test_the_queues_of_a_service_are_read_from_its_command(command: Any, queues: set[str]) -> None:
    assert _queues_of({"command": command}, ("a", "b")) == queues


def test_every_queue_is_consumed_by_a_service() -> None:
    from workers.app import QUEUES

    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
    consumed = set().union(*(_queues_of(service, QUEUES) for service in services.values()))
    assert consumed == set(QUEUES)
