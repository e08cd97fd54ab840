"""The errors that cross a module's border: what was wrong, where, and whether trying again can help.

Messages are for the person who reads them and never carry a secret.
"""

from __future__ import annotations

from dataclasses import dataclass


class WatcherError(Exception):
    """Any error this program raises on purpose."""


class TryAgain(WatcherError):
    """Trying the same thing later can help: the network, a busy database, a broker that is away."""


class CannotHelp(WatcherError):
    """Trying again cannot help until a person or another input changes something."""


class RefusedAddress(CannotHelp):
    """The guard in `watcher.net` refuses to contact this address."""

    reason = "refused_address"


class SandboxFailed(CannotHelp):
    """The child process that did untrusted work ran out of time or memory, or died."""


class LeaseLost(WatcherError):
    """Somebody else holds, or has finished, the row that we were working on."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Mistake:
    """One thing wrong in a file that a person wrote, and what to write instead.

    `line` and `column` count from 1; 0 means the file as a whole.
    """

    path: str
    line: int
    column: int = 0
    message: str
    instead: str = ""

    def __str__(self) -> str:
        where = f"{self.path}:{self.line}" if self.line else self.path
        tail = f" ({self.instead})" if self.instead else ""
        return f"{where}: {self.message}{tail}"


class Mistakes(CannotHelp):
    """Every mistake found in the files that were read, in file and line order."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        self.mistakes: tuple[Mistake, ...] = tuple(sorted(mistakes))
        super().__init__("\n".join(str(mistake) for mistake in self.mistakes))
