"""From which network address a request comes; believed is the connection, and a proxy only where ops trust it."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from starlette.requests import Request

_HOPS = 20


def client_address(request: Request, trusted: Sequence[str]) -> str | None:
    """The client's IP address; None when the connection has none.

    `trusted` are networks (CIDR) of proxies. Behind them, the last address of `X-Forwarded-For` that is none of them:
    whatever stands before it was written by the client itself.
    """
    address = request.client.host if request.client else None
    if address is None or not _within(address, trusted):
        return address
    told = ",".join(request.headers.getlist("x-forwarded-for")).split(",")
    for hop in reversed([one.strip() for one in told if one.strip()][-_HOPS:]):
        if _read(hop) is None:
            break
        address = hop
        if not _within(hop, trusted):
            break
    return address


def _read(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _within(text: str, networks: Sequence[str]) -> bool:
    address = _read(text)
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return address is not None and any(address in ipaddress.ip_network(one, strict=False) for one in networks)


def by_https(request: Request) -> bool:
    """Whether the client speaks HTTPS: with us, or with a proxy that ops trust and that says so."""
    if request.url.scheme == "https":
        return True
    trusted = request.app.state.runtime.settings.trusted_proxies
    address = request.client.host if request.client else None
    if address is None or not _within(address, trusted):
        return False
    return request.headers.get("x-forwarded-proto", "").partition(",")[0].strip().lower() == "https"
