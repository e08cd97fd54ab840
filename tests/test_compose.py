"""docker-compose.yml and the Dockerfile: valid, and every name in them exists."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from watcher.cli import COMMANDS
from watcher.model import Secret
from watcher.settings import SETTINGS, duration_s, resolve
from workers.app import HARD_LIMIT_S, QUEUES
from workers.main import _parser

ROOT = Path(__file__).resolve().parents[1]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"] == COMPOSE["name"]}
VARIABLES = {setting.variable + tail for setting in SETTINGS for tail in ("", "_FILE")}


def test_the_file_follows_the_compose_specification() -> None:
    argv = ["check_jsonschema", "--builtin-schema", "vendor.compose-spec", "docker-compose.yml"]
    done = subprocess.run([sys.executable, "-m", *argv], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_our_services_are_the_ones_named_in_the_design() -> None:
    assert set(SERVICES) == {"postgres", "valkey", "mail", "migrate", "web", "beat"} | {f"worker-{q}" for q in QUEUES}
    assert set(OURS) == set(SERVICES) - {"postgres", "valkey", "mail"}


@pytest.mark.parametrize("name", sorted(OURS))
def test_a_service_runs_a_command_that_exists(name: str) -> None:
    command = OURS[name]["command"]
    assert command[0] in COMMANDS
    if command[0] == "worker":
        options = _parser().parse_args(command)
        assert options.queues == (name.removeprefix("worker-"),)


@pytest.mark.parametrize("queue", QUEUES)
def test_a_worker_may_finish_the_task_that_it_is_in(queue: str) -> None:
    assert duration_s(OURS[f"worker-{queue}"]["stop_grace_period"]) >= HARD_LIMIT_S + 10


def test_a_secret_file_that_watcher_yml_names_is_read_from_the_folder_that_the_head_tells(tmp_path: Path) -> None:
    head = (ROOT / "docker-compose.yml").read_text("utf-8").partition("\nname:")[0]
    assert "{file: secrets/NAME} in\n# it is config/secrets/NAME here" in head
    (tmp_path / "config" / "secrets").mkdir(parents=True)
    (tmp_path / "config" / "secrets" / "hook").write_text("whsec_x\n")
    mounted = {"/config": tmp_path / "config"}
    for service in OURS.values():
        assert "./config:/config:ro" in service["volumes"]
        folder = mounted[str(Path(service["environment"]["WATCHER_CONFIG_PATH"]).parent)]
        assert resolve(Secret(file="secrets/hook"), base=folder) == "whsec_x"


def test_every_queue_is_consumed_by_one_service() -> None:
    consumed = [word for service in OURS.values() for word in service["command"] if word in QUEUES]
    assert sorted(consumed) == sorted(QUEUES)


@pytest.mark.parametrize("name", sorted(OURS))
def test_a_service_is_given_only_settings_that_exist(name: str) -> None:
    assert set(OURS[name]["environment"]) <= VARIABLES


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_every_service_that_runs_on_has_a_health_check_and_what_it_needs_is_declared(name: str) -> None:
    service = SERVICES[name]
    assert ("healthcheck" in service) == (name != "migrate")
    assert set(service.get("depends_on", {})) <= set(SERVICES)
    assert set(service.get("secrets", [])) <= set(COMPOSE["secrets"])
    for volume in service.get("volumes", []):
        source = volume.partition(":")[0]
        assert source == "./config" or source in COMPOSE["volumes"]


def test_every_declared_volume_and_secret_is_used() -> None:
    mounted = {volume.partition(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])}
    secrets = {name for service in SERVICES.values() for name in service.get("secrets", [])}
    assert set(COMPOSE["volumes"]) == mounted - {"./config"}
    assert set(COMPOSE["secrets"]) == secrets


def test_no_secret_and_no_password_stands_in_the_file() -> None:
    assert {Path(secret["file"]).parent.name for secret in COMPOSE["secrets"].values()} == {"secrets"}
    ignored = (ROOT / ".gitignore").read_text("utf-8").split()
    assert "/secrets/" in ignored
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            assert "PASSWORD" not in name or name.endswith("_FILE")
            assert "@" not in str(value)


def test_the_broker_keeps_its_messages_and_never_evicts() -> None:
    command = SERVICES["valkey"]["command"]
    assert command[command.index("--maxmemory-policy") + 1] == "noeviction"
    assert command[command.index("--appendonly") + 1] == "yes"


@pytest.mark.parametrize("name", sorted(OURS))
def test_our_containers_have_no_privileges_to_lose(name: str) -> None:
    service = OURS[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


def test_the_image_copies_what_exists_checks_hashes_and_does_not_run_as_root() -> None:
    lines = (ROOT / "Dockerfile").read_text("utf-8").splitlines()
    copied = [line.split()[1] for line in lines if line.startswith("COPY ") and "--from" not in line]
    assert copied == ["requirements.lock", "watcher", "workers", "rules"]
    assert all((ROOT / name).exists() for name in copied)
    assert any("--require-hashes" in line for line in lines)
    assert [line for line in lines if line.startswith("USER ")] == ["USER 10001"]
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").split() if line.startswith("!")}
    assert set(copied) == sent


def test_the_web_service_alone_is_given_the_consoles_password_and_as_a_file() -> None:
    given = {name for name, service in OURS.items() if "admin_password" in service["secrets"]}
    assert given == {"web"}
    assert OURS["web"]["environment"]["WATCHER_ADMIN_PASSWORD_FILE"] == "/run/secrets/admin_password"
    head = (ROOT / "docker-compose.yml").read_text("utf-8").partition("\nname:")[0]
    assert f"> {COMPOSE['secrets']['admin_password']['file'].removeprefix('./')} " in head
