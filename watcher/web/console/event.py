"""One event: what it tells and stands on, who was told and what came of it, and what people say of it."""

from __future__ import annotations

from watcher.web.console.desk import Page

PAGES: tuple[Page, ...] = ()
