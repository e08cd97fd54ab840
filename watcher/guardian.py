"""The process that outlives a killed `watcher up` by a moment and ends its children, so that none is left behind.

It reads lines from its standard input: `+PID` a child, a leader of its own process group, has started; `+PID last` the
same for one that the others need until their end; `-PID` it has ended; `bye` the parent has ended them all. End of
input without `bye` means that the parent was killed. Standard library only: it starts before everything else.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterable
from typing import TextIO

GRACE_S = 8.0


def watch(lines: TextIO, *, grace_s: float = GRACE_S) -> None:
    """Follow the lines to their end, then end every child that is left, those marked `last` after the others."""
    children: dict[int, bool] = {}
    for line in lines:
        word, _, mark = line.strip().partition(" ")
        if word == "bye":
            return
        if word[1:].isdigit() and int(word[1:]) > 1:
            if word[0] == "+":
                children[int(word[1:])] = mark == "last"
            elif word[0] == "-":
                children.pop(int(word[1:]), None)
    end((group for group, last in children.items() if not last), grace_s=grace_s)
    end((group for group, last in children.items() if last), grace_s=grace_s)


def end(groups: Iterable[int], *, grace_s: float) -> None:
    """Ask the process groups to end, wait, and kill what is left."""
    left = [group for group in groups if _tell(group, signal.SIGTERM)]
    give_up_at = time.monotonic() + grace_s
    while left and time.monotonic() < give_up_at:
        time.sleep(0.05)
        left = [group for group in left if _tell(group, 0)]
    for group in left:
        _tell(group, signal.SIGKILL)


def _tell(group: int, number: int) -> bool:
    """Signal a process group; False when it is gone (macOS says "not permitted" of one that holds only zombies)."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def main() -> None:
    """Watch standard input; deaf to the signals that a terminal sends to everybody."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    watch(sys.stdin)


if __name__ == "__main__":
    main()
