"""Entry point of `python -m watcher.cli`."""

from __future__ import annotations

from watcher.cli import main

main()
