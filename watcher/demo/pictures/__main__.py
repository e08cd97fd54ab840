"""`python -m watcher.demo.pictures`: play the demo and take the README's pictures, the terminal's and the digest's.

Needs the development packages (playwright) and Chromium.
"""

from __future__ import annotations

import io
import re
import shutil
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.terminal_theme import DIMMED_MONOKAI

from watcher.demo.run import run

HERE = Path(__file__).resolve().parent
_COLUMNS = 104
_TERMINAL_HEIGHT = 760
_DIGEST_HEIGHT = 1080
_FRAME = (
    "<!doctype html><meta charset=utf-8><style>body{{margin:0;padding:22px 28px;background:#1b1d1e;}}"
    "pre{{font:14px/1.35 'DejaVu Sans Mono','Noto Sans Mono CJK SC',monospace;color:#d9d9d9;margin:0}}"
    "a{{color:inherit;text-decoration:none}}{stylesheet}"
    "</style><pre><code style='font-family:inherit'>{code}</code></pre>"
)


def main() -> int:
    """Write `terminal.png` and `digest.png` beside this file; the demo's status."""
    # no terminal, so that the spinner is left out; colours all the same
    console = Console(record=True, width=_COLUMNS, color_system="truecolor", file=io.StringIO())
    status = run(keep=False, out=console)
    terminal = console.export_html(theme=DIMMED_MONOKAI, code_format=_FRAME, clear=False)
    found = re.search(r"(/\S+/digest\.html)", console.export_text(styles=False).replace("\n", ""))
    if status or not found:
        sys.stderr.write("the demo did not hold: no pictures\n")
        return status or 1
    digest = Path(found[1])
    _take(terminal, digest.as_uri())
    shutil.rmtree(digest.parent, ignore_errors=True)
    return 0


def _take(terminal_html: str, digest_url: str) -> None:
    from playwright.sync_api import sync_playwright  # a development package

    with sync_playwright() as playwright:
        browser: Any = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 960, "height": _TERMINAL_HEIGHT})
        page.set_content(terminal_html)
        page.screenshot(path=HERE / "terminal.png")
        page = browser.new_page(viewport={"width": 720, "height": _DIGEST_HEIGHT})
        page.goto(digest_url)
        page.screenshot(path=HERE / "digest.png")
        browser.close()


if __name__ == "__main__":
    sys.exit(main())
