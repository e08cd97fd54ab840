"""What trees of processes have used, from Linux's /proc: processor seconds, and memory, shared pages counted once."""

from __future__ import annotations

import os
import threading
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PROC = Path("/proc")


def _stat(pid: int) -> list[str]:
    # the name in brackets may hold blanks
    return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()


def tree(root: int) -> list[int]:
    """The process and all that descend from it."""
    children: dict[int, list[int]] = {}
    for found in _PROC.iterdir():
        if found.name.isdigit():
            try:
                children.setdefault(int(_stat(int(found.name))[1]), []).append(int(found.name))
            except (OSError, IndexError):
                continue
    tree, waiting = [], [root]
    while waiting:
        one = waiting.pop()
        tree.append(one)
        waiting += children.get(one, [])
    return tree


def cpu_s(*roots: int) -> float:
    """User and system seconds of the trees so far, those of children that have ended included."""
    ticks = 0
    for pid in {pid for root in roots for pid in tree(root)}:
        try:
            ticks += sum(int(field) for field in _stat(pid)[11:15])
        except OSError:
            continue
    return ticks / _TICKS


def memory_mb(*roots: int) -> float:
    """Proportional set size of the trees now: a page that n processes share counts 1/n for each."""
    total_kb = 0
    for pid in {pid for root in roots for pid in tree(root)}:
        try:
            rollup = (_PROC / str(pid) / "smaps_rollup").read_text()
        except OSError:
            continue
        total_kb += next((int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")), 0)
    return total_kb / 1024


class Peak:
    """The most memory that the trees held at once, looked at four times a second while the block runs."""

    def __init__(self, *roots: int) -> None:
        self.mb = 0.0
        self._roots = roots
        self._over = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Peak:
        self._watcher.start()
        return self

    def __exit__(self, *_about: object) -> None:
        self._over.set()
        self._watcher.join()

    def _watch(self) -> None:
        while not self._over.wait(0.25):
            self.mb = max(self.mb, memory_mb(*self._roots))
