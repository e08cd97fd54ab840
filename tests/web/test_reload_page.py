"""POST /-/reload: who may, what is answered, and that the last good files stay."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from reading import at_desk, served

from watcher import runtime, settings
from watcher.pipeline import reload, tokens
from watcher.runtime import Runtime
from watcher.store import audit

GOOD = "feeds: []\nchannels: {}\nsubscriptions: {}\n"


@pytest.fixture
def rt(database_url: str, tmp_path: Path) -> Iterator[Runtime]:
    (tmp_path / "watcher.yml").write_text(GOOD)
    environ = {
        "WATCHER_DATABASE_URL": database_url,
        "WATCHER_DATA_DIR": str(tmp_path),
        "WATCHER_CONFIG_PATH": str(tmp_path / "watcher.yml"),
        "WATCHER_RULES_DIR": str(Path(__file__).parents[1] / "line" / "rules"),
    }
    opened = runtime.open(settings.load(environ))
    yield opened
    opened.close()


def _token(rt: Runtime, *scopes: str) -> dict[str, str]:
    made = tokens.make(rt, f"t-{'-'.join(scopes)}", scopes, days=None, who="cli")
    return {"authorization": f"Bearer {made}"}


def _actions(rt: Runtime) -> list[str]:
    with rt.database.read() as conn:
        return [line["action"] for line in audit.newest(conn, limit=10) if line["action"].startswith("config")]


def test_only_who_may_operate_can_reload(rt: Runtime) -> None:
    with served(rt) as client:
        assert client.post("/-/reload").status_code == 401
        assert client.get("/-/reload").status_code == 405
        assert client.post("/-/reload", headers=_token(rt, "read")).status_code == 403
        assert client.post("/-/reload", headers=_token(rt, "operate")).status_code == 200
    assert _actions(rt) == ["config.reload"]


def test_a_session_is_believed_only_from_our_own_pages(rt: Runtime) -> None:
    with at_desk(rt) as client:
        own = str(client.base_url).rstrip("/")
        asked: dict[str, int] = {}
        for name, headers in {
            "none": {},
            "foreign": {"origin": "https://evil.example"},
            "own": {"origin": own},
        }.items():
            asked[name] = client.post("/-/reload", headers=headers).status_code
    assert asked == {"none": 403, "foreign": 403, "own": 200}


def _reload(client: httpx.Client, headers: dict[str, str]) -> httpx.Response:
    return client.post("/-/reload", headers=headers)


def test_a_refused_file_is_told_with_its_line_and_the_last_good_one_stays(rt: Runtime) -> None:
    path = rt.settings.config_path
    with served(rt) as client:
        headers = _token(rt, "operate")
        first = _reload(client, headers)
        path.write_text(GOOD + "chanels: {}\n")
        bad = _reload(client, headers)
        path.write_text(GOOD + "ops: []\n")
        again = _reload(client, headers)
    assert (first.status_code, first.json()["ok"]) == (200, True)
    assert bad.status_code == 422
    (mistake,) = bad.json()["files"]["config"]["mistakes"]
    assert mistake.startswith(f"{path}:4: ")
    assert bad.json()["files"]["config"]["good_at"] == first.json()["files"]["config"]["good_at"]
    assert bad.json()["files"]["rules"]["ok"] is True
    assert (again.status_code, again.json()["files"]["config"]["mistakes"]) == (200, [])


def test_a_ring_of_the_bell_is_heard_once_by_every_process_of_the_folder(rt: Runtime) -> None:
    other = runtime.open(rt.settings)
    assert not reload.was_asked(other)
    reload.reload(rt, by="test")
    assert reload.was_asked(other)
    reload.reload(other, by="test", alone=True)
    assert not reload.was_asked(other)
    assert not reload.was_asked(rt)
    other.close()
