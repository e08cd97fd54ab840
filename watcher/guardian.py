"""The process that outlives a killed `watcher up` by a moment and ends its children, so that none is left behind.

It reads lines from its standard input: `+PID` a child, a leader of its own process group, has started; `+PID last` the
same for one that the others need until their end; `-PID` it has ended; `bye` the parent has ended them all. End of
input without `bye` means that the parent was killed. Standard library only: it starts before everything else.
"""

from __future__ import annotations

import contextlib
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


def end(leaders: Iterable[int], *, grace_s: float) -> None:
    """Ask the leaders to end and wait; then kill what is left of their groups.

    The leader alone is asked, since a worker's pool that is told itself drops its work.
    """
    left = [leader for leader in leaders if _is_there(leader)]
    for leader in left:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(leader, signal.SIGTERM)
    give_up_at = time.monotonic() + grace_s
    while left and time.monotonic() < give_up_at:
        time.sleep(0.05)
        left = [leader for leader in left if _is_there(leader)]
    for leader in left:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(leader, signal.SIGKILL)


def _is_there(leader: int) -> bool:
    """Whether the leader's group has a member; one without its leader is killed and counts as gone.

    macOS says "not permitted" of a group that holds only zombies.
    """
    try:
        os.killpg(leader, 0)
    except (ProcessLookupError, PermissionError):
        return False
    try:
        os.kill(leader, 0)
    except ProcessLookupError:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(leader, signal.SIGKILL)
        return False
    return True


def main() -> None:
    """Watch standard input; deaf to the signals that a terminal sends to everybody."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    watch(sys.stdin)


if __name__ == "__main__":
    main()
