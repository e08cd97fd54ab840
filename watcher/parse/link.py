"""A link as published to the one we keep: absolute, http(s) only, without what only tracks the reader."""

from __future__ import annotations

import re
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

LINK_CHARACTERS = 2048
_TRACKING = re.compile(
    r"utm_\w+|hsa_\w+|pk_\w+|mtm_\w+|matomo_\w+|at_(?:medium|campaign|custom\d|link\w*)|oly_(?:anon|enc)_id|_hs(?:enc|mi)"
    r"|__hs\w+|vero_(?:conv|id)|ns_\w+|fbclid|gclid|gclsrc|gbraid|wbraid|dclid|msclkid|yclid|ysclid|twclid|ttclid|igshid"
    r"|igsh|li_fat_id|mc_cid|mc_eid|mkt_tok|s_cid|cmpid|cmp|wickedid|rb_clickid|_openstat|wt\.\w+|xtor|spm|phpsessid"
    r"|jsessionid|sessionid|sid_?token",
    re.IGNORECASE,
)
# An absolute link that has its canonical form already, but for its query.
_PLAIN = re.compile(
    r"(https?://[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?/[A-Za-z0-9._~/+=:,-]*)(?:\?([A-Za-z0-9._~/%+=:,&-]*))?"
)
_SESSION_PATH = re.compile(r";jsessionid=[^/;?]*", re.IGNORECASE)
_TRACKING_FRAGMENT = re.compile(r"(?:utm_|xtor=|ref=rss|rss$)", re.IGNORECASE)
_SAFE = "%/:=&~+!$,;'@()*[]"
_PORTS = {"http": 80, "https": 443}


def _netloc(scheme: str, host: str, port: int | None) -> str:
    shown = f"[{host}]" if ":" in host else host.lower().rstrip(".")
    return shown if port in (None, _PORTS[scheme]) else f"{shown}:{port}"


def _query(query: str) -> str:
    kept = [pair for pair in query.split("&") if pair and not _TRACKING.fullmatch(pair.partition("=")[0])]
    return "&".join(kept)


def canonical(link: str, base: str | None = None) -> str | None:
    """Absolute http(s) form of `link` against `base`, tracking parameters and user info gone; None when there is none.

    Characters that channels trip over (spaces, quotes, angle brackets, bars, anything beyond ASCII) are
    percent-encoded outside the host.
    """
    link = link.strip()
    if not link:
        return None
    if plain := _PLAIN.fullmatch(link):
        query = _query(plain[2]) if plain[2] else ""
        made = f"{plain[1]}?{query}" if query else plain[1]
        return made if len(made) <= LINK_CHARACTERS else None
    try:
        parts = urlsplit(urljoin(base or "", link))
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    scheme = parts.scheme.lower()
    if scheme not in _PORTS or not host or not re.fullmatch(r"[^\s<>\"'|\\%@/?#]+", host):
        return None
    path = quote(_SESSION_PATH.sub("", parts.path) or "/", safe=_SAFE)
    query = quote(_query(parts.query), safe=_SAFE + "?")
    fragment = "" if _TRACKING_FRAGMENT.match(parts.fragment) else quote(parts.fragment, safe=_SAFE + "?")
    made = urlunsplit((scheme, _netloc(scheme, host, port), path, query, fragment))
    return made if len(made) <= LINK_CHARACTERS else None


def alias(identity: str) -> str:
    """The identity without scheme, host and tracking, so that a move to https or another host is no new item."""
    made = canonical(identity) if identity[:8].lower().startswith(("http://", "https://")) else None
    if made is None:
        return identity
    parts = urlsplit(made)
    tail = urlunsplit(("", "", parts.path.rstrip("/"), parts.query, parts.fragment))
    return tail or (parts.hostname or identity)
