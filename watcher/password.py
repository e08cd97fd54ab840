"""The admin's password: what is strong enough, how it is kept, and whether another text is the same one.

Argon2id with RFC 9106's second recommended option (section 4: 64 MiB, 3 passes, 4 lanes). OWASP's minimum (19 MiB, 2
passes) is for servers that log many people in at once; here one person does, and `watcher.web` lets two run at a time.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from pathlib import Path

from argon2 import PasswordHasher, Type, extract_parameters
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import hash_secret
from argon2.profiles import RFC_9106_LOW_MEMORY

from watcher.errors import CannotHelp

SHORTEST, LONGEST = 12, 1000
"""Characters. Below the first a password is refused; beyond the second a login is not even looked at."""
FILE = "admin-password"
"""Of the data folder: the password that we made where nobody gave one."""
_PREFIX = "$argon2id$"
_FEWEST_SIGNS = 5
_LEAST_KIB, _MOST_KIB = 19 * 1024, 1024 * 1024
_MOST_PASSES = 20
_HABITS = re.compile(
    r"pass(word|wort|phrase)?|admin(istrator)?|watcher|biotech|qwert[yz](uiop)?|asdf(ghjkl)?|letmein|welcome|iloveyou|"
    r"changeme|secret|default|login|root|test|monkey|dragon|abc(def)?|0?123(456789?0?|4567?8?|45?)?|9876543210?|"
    r"1q2w3e(4r5t)?|(19|20)[0-9]{2}"
)


def weakness(password: str) -> str | None:
    """Why the password is not taken, with what to write instead; None when it is strong enough.

    Length is what counts (NIST SP 800-63B, 5.1.1.2); beyond it only what guessers try first is refused.
    """
    instead = f"write at least {SHORTEST} characters, as four random words or `openssl rand -base64 18`"
    if len(password) < SHORTEST:
        return instead
    if len(password) > LONGEST:
        return f"write at most {LONGEST} characters"
    if not password.isprintable():
        return "write one line without control characters"
    folded = password.casefold()
    left = re.sub(r"[\W_]+", "", _HABITS.sub("", folded))
    if len(set(folded)) < _FEWEST_SIGNS or (len(left) < _FEWEST_SIGNS and left != folded):
        return f"it is among the first that are guessed; {instead}"
    return None


def is_hash(text: str) -> bool:
    """Whether the text is a hash and not the password itself."""
    return text.startswith("$argon2")


def weak_hash(text: str) -> str | None:
    """Why the hash is not taken, with what to write instead; None when it is of the strength that we ask for."""
    instead = "make one with `watcher admin hash`"
    try:
        found = extract_parameters(text)
    except InvalidHashError:
        return f"it begins as an Argon2 hash and is none; {instead}"
    if found.type is not Type.ID:
        return f"only $argon2id$ is taken; {instead}"
    if found.memory_cost < _LEAST_KIB or found.time_cost < 2:
        return f"it is weaker than 19 MiB and 2 passes; {instead}"
    if found.memory_cost > _MOST_KIB or found.time_cost > _MOST_PASSES:
        return f"it costs more than 1 GiB or {_MOST_PASSES} passes at each login; {instead}"
    return None


def hashed(password: str) -> str:
    """The password's Argon2id hash with a random salt, as `$argon2id$v=19$…`; about 0.1 s and 64 MiB."""
    return _hasher().hash(password)


def kept(text: str, *, key: str) -> str:
    """The hash that logins are held against: `text` itself when it is one, else made of it.

    The salt then comes of `key`, so that every process makes the same hash: what a session keeps of it says whether
    the password is still the one that was given, and is as hard to guess from as the hash.
    """
    if is_hash(text):
        return text
    salt = hashlib.sha256(f"watcher.password.{key}".encode()).digest()[:16]
    cost = RFC_9106_LOW_MEMORY
    made = hash_secret(
        text.encode(), salt, cost.time_cost, cost.memory_cost, cost.parallelism, cost.hash_len, Type.ID, cost.version
    )
    return made.decode()


def same(kept_hash: str, given: str) -> bool:
    """Whether `given` is the password of the hash. One that is too long is not, at once."""
    if not given or len(given) > LONGEST:
        return False
    try:
        return _hasher().verify(kept_hash, given)
    except (VerificationError, InvalidHashError, UnicodeError):
        return False


def made_in(folder: Path) -> tuple[Path, bool]:
    """The file of the data folder with a password of our making, and whether it was made just now; mode 0600.

    Raises CannotHelp when it cannot be written.
    """
    path = folder / FILE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path, False
    except OSError as error:
        raise CannotHelp(f"cannot keep a password for the console in {path}: {error.strerror}") from None
    with os.fdopen(number, "w", encoding="utf-8") as file:
        file.write(f"{secrets.token_urlsafe(18)}\n")
    return path, True


def read_in(folder: Path) -> str | None:
    """The password in the data folder's file; None when there is no such file, or nothing of use in it."""
    try:
        text = (folder / FILE).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return None
    trouble = weak_hash(text) if is_hash(text) else weakness(text)
    return None if trouble else text


def _hasher() -> PasswordHasher:
    return PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
