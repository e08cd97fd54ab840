"""Who is at the console or behind an API call, and what they may do; how they proved it is left to `access`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from watcher.pipeline.tokens import Scope as Scope


class Proof(StrEnum):
    """How somebody proved who they are."""

    SESSION = "session"
    TOKEN = "token"  # noqa: S105 (a word, no secret)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """Somebody who was let in."""

    name: str
    """`admin`, or the name of the token: what the audit log and verdicts say."""
    scopes: frozenset[Scope]
    proof: Proof
    session_id: str = ""
    """Digest of the session's cookie: what its forms are sealed with; empty behind a token."""

    def may(self, scope: Scope) -> bool:
        return scope in self.scopes
