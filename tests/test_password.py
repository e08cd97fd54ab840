"""The admin's password: what is refused, how it is kept, and the file that is made where nobody gave one."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from argon2.low_level import Type

from watcher import password, settings
from watcher.errors import CannotHelp, Mistakes

GOOD = "four random words here"


@pytest.mark.parametrize("text", [GOOD, "zL0sN3nMZk1QwX9aVbTg8w==", "Tr0ub4dor&3xyz", "生物医药新闻观察员的口令一二"])
def test_a_long_password_of_ones_own_is_taken(text: str) -> None:
    assert password.weakness(text) is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "write at least 12 characters"),
        ("only eleven", "write at least 12 characters"),
        ("password1234", "among the first that are guessed"),
        ("Admin-Admin-2026", "among the first that are guessed"),
        ("biotech-watcher", "among the first that are guessed"),
        ("123456789012", "among the first that are guessed"),
        ("abababababababab", "among the first that are guessed"),
        ("four random\nwords here", "without control characters"),
        ("x" * 1001, "write at most 1000 characters"),
    ],
)
def test_a_weak_password_is_refused_with_what_to_write(text: str, told: str) -> None:
    assert told in str(password.weakness(text))


def test_a_hash_is_of_the_strength_of_rfc_9106() -> None:
    made = password.hashed(GOOD)
    assert made.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert password.weak_hash(made) is None
    assert password.same(made, GOOD)
    assert not password.same(made, f"{GOOD} ")
    assert not password.same(made, "")
    assert not password.same(made, "x" * 2000)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("$argon2id$v=19$m=65536", "it begins as an Argon2 hash and is none"),
        (PasswordHasher(2, 19456, 1, type=Type.I).hash(GOOD), "only $argon2id$ is taken"),
        (PasswordHasher(1, 19456, 1).hash(GOOD), "weaker than 19 MiB and 2 passes"),
        (PasswordHasher(2, 8192, 1).hash(GOOD), "weaker than 19 MiB and 2 passes"),
        ("$argon2id$v=19$m=2097152,t=3,p=4$c29tZXNhbHRzb21l$aGFzaGhhc2hoYXNoaGFzaA", "costs more than 1 GiB"),
    ],
    ids=["cut short", "argon2i", "one pass", "little memory", "too much memory"],
)
def test_a_hash_of_another_strength_is_refused(text: str, told: str) -> None:
    assert told in str(password.weak_hash(text))
    with pytest.raises(Mistakes) as caught:
        settings.load({"WATCHER_ADMIN_PASSWORD": text})
    assert "make one with `watcher admin hash`" in str(caught.value.mistakes[0])


def test_a_weak_password_keeps_the_service_from_starting_and_is_not_repeated() -> None:
    with pytest.raises(Mistakes) as caught:
        settings.load({"WATCHER_ADMIN_PASSWORD": "hunter2"})
    (line,) = [str(one) for one in caught.value.mistakes]
    assert line.startswith("WATCHER_ADMIN_PASSWORD: does not say anything this program can use (write at least 12")
    assert "hunter2" not in line


def test_every_process_keeps_the_same_hash_of_a_plain_password_and_no_other_installation_does() -> None:
    kept = password.kept(GOOD, key="k" * 32)
    assert kept == password.kept(GOOD, key="k" * 32)
    assert kept != password.kept(GOOD, key="l" * 32)
    assert password.same(kept, GOOD)
    assert password.kept(kept, key="k") == kept


def test_a_password_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    path, made = password.made_in(tmp_path / "var")
    assert (path, made) == (tmp_path / "var" / "admin-password", True)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    first = password.read_in(tmp_path / "var")
    assert first is not None
    assert password.weakness(first) is None
    assert password.made_in(tmp_path / "var") == (path, False)
    assert password.read_in(tmp_path / "var") == first


def test_a_file_that_says_nothing_of_use_opens_nothing(tmp_path: Path) -> None:
    assert password.read_in(tmp_path) is None
    for text in (b"", b"\n", b"short\n", b"\xff\xfe\x00", b"$argon2id$none"):
        (tmp_path / "admin-password").write_bytes(text)
        assert password.read_in(tmp_path) is None


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotHelp, match="cannot keep a password for the console in"):
        password.made_in(tmp_path / "file" / "var")
