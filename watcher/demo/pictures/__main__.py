"""`python -m watcher.demo.pictures`: play the demo and take the README's pictures: terminal, digest and console.

Needs the development packages (playwright) and Chromium.
"""

from __future__ import annotations

import io
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.terminal_theme import DIMMED_MONOKAI

from watcher.demo.run import run

HERE = Path(__file__).resolve().parent
_COLUMNS = 104
_TERMINAL_HEIGHT = 760
_DIGEST_HEIGHT = 1080
_WIDTH, _HEIGHT = 1180, 820
_PATIENCE_MS = 60_000
_RULE = "city-partnership"
_EDIT = ("pact or launched or talks or", "pact or launched or (talks and launched) or")
"""What is tried on the workbench: talks alone no longer count."""
_FRAME = (
    "<!doctype html><meta charset=utf-8><style>body{{margin:0;padding:22px 28px;background:#1b1d1e;}}"
    "pre{{font:14px/1.35 'DejaVu Sans Mono','Noto Sans Mono CJK SC',monospace;color:#d9d9d9;margin:0}}"
    "a{{color:inherit;text-decoration:none}}{stylesheet}"
    "</style><pre><code style='font-family:inherit'>{code}</code></pre>"
)


def main() -> int:
    """Write the pictures beside this file; the demo's status."""
    # no terminal, so that the spinner is left out; colours all the same
    console = Console(record=True, width=_COLUMNS, color_system="truecolor", file=io.StringIO())
    status = run(keep=False, out=console, visit=_take_console)
    terminal = console.export_html(theme=DIMMED_MONOKAI, code_format=_FRAME, clear=False)
    found = re.search(r"(/\S+/digest\.html)", console.export_text(clear=False).replace("\n", ""))
    if status or not found:
        sys.stderr.write(f"{console.export_text()}\nThe demo did not hold: no pictures\n")
        return status or 1
    digest = Path(found[1])
    _take(terminal, digest.as_uri())
    shutil.rmtree(digest.parent, ignore_errors=True)
    return 0


@contextmanager
def _browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright  # a development package

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        yield opened
        opened.close()


def _take(terminal_html: str, digest_url: str) -> None:
    with _browser() as browser:
        page = browser.new_page(viewport={"width": 960, "height": _TERMINAL_HEIGHT})
        page.set_content(terminal_html)
        page.screenshot(path=HERE / "terminal.png")
        page = browser.new_page(viewport={"width": 720, "height": _DIGEST_HEIGHT})
        page.goto(digest_url)
        page.screenshot(path=HERE / "digest.png")


def _take_console(address: str, opens: str) -> None:
    """The console over the demo's own rows, while it runs: its overview, an event, and a rule that is tried."""
    base = address.rstrip("/")
    with _browser() as browser:
        page = browser.new_page(viewport={"width": _WIDTH, "height": _HEIGHT}, reduced_motion="reduce")
        page.set_default_timeout(_PATIENCE_MS)
        page.goto(f"{base}/")
        page.get_by_label("Password").fill(opens)
        page.get_by_role("button", name="Log in").click()
        page.get_by_role("heading", name="Overview").wait_for()
        page.screenshot(path=HERE / "overview.png")

        page.goto(f"{base}/events?rule={_RULE}")
        page.locator(".event-title a").first.click()
        page.locator(".why-rule").first.wait_for()
        page.screenshot(path=HERE / "event.png")

        page.goto(f"{base}/rules/{_RULE}/workbench")
        text = page.locator("#text")
        text.fill(text.input_value().replace(*_EDIT))
        page.get_by_role("button", name="Run", exact=True).click()
        page.locator("#run .state-good").wait_for()
        page.locator("#run").evaluate("one => one.scrollIntoView({block: 'start'})")
        page.screenshot(path=HERE / "workbench.png")


if __name__ == "__main__":
    sys.exit(main())
