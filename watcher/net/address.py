"""Who may be contacted: one strict reading of a URL, and the special-purpose address ranges that are refused.

Pure. Resolving a name is `watcher.net.resolve`'s duty, connecting is `watcher.net.client`'s.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import NoReturn

import idna

from watcher.errors import RefusedAddress

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

URL_CHARACTERS = 4096
PORTS = frozenset({80, 443, 8080, 8443})
DEFAULT_PORTS = {"http": 80, "https": 443}

# IANA special-purpose registries (RFC 6890 and successors), multicast, and two cloud metadata services that live in
# addresses which the registries call global. `ipaddress.is_global` and `is_private` both miss some of these.
_REFUSED: tuple[tuple[str, str], ...] = (
    ("0.0.0.0/8", "this network"),
    ("10.0.0.0/8", "private"),
    ("100.64.0.0/10", "carrier-grade NAT"),
    ("127.0.0.0/8", "loopback"),
    ("168.63.129.16/32", "cloud metadata"),
    ("169.254.0.0/16", "link-local"),
    ("172.16.0.0/12", "private"),
    ("192.0.0.0/24", "protocol assignments"),
    ("192.0.2.0/24", "documentation"),
    ("192.31.196.0/24", "AS112"),
    ("192.52.193.0/24", "AMT"),
    ("192.88.99.0/24", "6to4 relay"),
    ("192.168.0.0/16", "private"),
    ("192.175.48.0/24", "AS112"),
    ("198.18.0.0/15", "benchmarking"),
    ("198.51.100.0/24", "documentation"),
    ("203.0.113.0/24", "documentation"),
    ("224.0.0.0/4", "multicast"),
    ("240.0.0.0/4", "reserved"),
    ("::1/128", "loopback"),
    ("::/128", "unspecified"),
    ("::/96", "IPv4-compatible"),
    ("64:ff9b:1::/48", "local NAT64"),
    ("100::/64", "discard"),
    ("100:0:0:1::/64", "dummy"),
    ("2001::/23", "protocol assignments"),
    ("2001:db8::/32", "documentation"),
    ("2620:4f:8000::/48", "AS112"),
    ("3fff::/20", "documentation"),
    ("5f00::/16", "segment routing"),
    ("fc00::/7", "unique local"),
    ("fe80::/10", "link-local"),
    ("fec0::/10", "site-local"),
    ("ff00::/8", "multicast"),
)
_TABLE: tuple[tuple[Network, str], ...] = tuple((ip_network(block), kind) for block, kind in _REFUSED)
_LOOPBACK = (IPv4Address("127.0.0.1"), IPv6Address("::1"))
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_MAPPED = IPv6Network("::ffff:0:0/96")
_NAT64 = IPv6Network("64:ff9b::/96")
_SIX_TO_FOUR = IPv6Network("2002::/16")
_ISATAP = (0x00005EFE, 0x02005EFE)
"""The upper half of an interface identifier whose lower half is an IPv4 address (RFC 5214, 6.1)."""

# Names that only a local resolver can answer (RFC 6761, 6762, 7686, 8375, 9476 and common habit).
_LOCAL_SUFFIXES = frozenset(
    {"localhost", "localdomain", "local", "internal", "intranet", "lan", "home", "corp", "private", "onion", "alt"}
    | {"home.arpa", "localdomain6", "localhost4", "localhost6", "i2p", "consul", "mail", "svc", "cluster"}
)
# Their name servers answer with whatever address is written into the name, or with loopback.
_ANY_ADDRESS_SUFFIXES = frozenset(
    {"nip.io", "sslip.io", "xip.io", "traefik.me", "localtest.me", "lvh.me", "vcap.me", "lacolhost.com", "rbndr.us"}
)
_SPLIT = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>[^/?#]*)(?P<rest>[/?#].*)?", re.DOTALL)
_AUTHORITY = re.compile(r"(?:\[(?P<v6>[^\[\]]*)\]|(?P<host>[^:\[\]]*))(?::(?P<port>[0-9]*))?")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMERIC = re.compile(r"[0-9]+|0[xX][0-9a-fA-F]*")
# C0, space, DEL and C1, the line ends that Unicode adds, lone surrogates, and a backslash, which browsers take for "/".
_UNFIT = re.compile("[\x00-\x20\x7f-\x9f\u2028\u2029\ud800-\udfff\\\\]")
_ENCODED_CONTROL = re.compile(r"%(?:0[0-9a-fA-F]|1[0-9a-fA-F]|7[fF])")


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedUrl:
    """A URL that may be contacted. A host name's addresses are still to be checked when it is resolved."""

    url: str
    """What to request: the host in ASCII lower case without a final dot, the fragment gone."""
    scheme: str
    host: str
    """ASCII; an IPv6 literal without its brackets."""
    port: int
    literal: Address | None = None
    """The address when the host is one."""

    @property
    def origin(self) -> tuple[str, str, int]:
        return self.scheme, self.host, self.port


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """The private networks, and exact host:port pairs, that somebody has allowed on purpose."""

    networks: tuple[Network, ...] = ()
    endpoints: frozenset[tuple[str, int]] = frozenset()

    def covers(self, address: Address) -> bool:
        return any(address in network for network in self.networks if network.version == address.version)


@lru_cache(maxsize=64)
def _allowance(entries: tuple[str, ...]) -> Allowance:
    networks: list[Network] = []
    endpoints: set[tuple[str, int]] = set()
    for entry in entries:
        try:
            networks.append(ip_network(entry))
        except ValueError:
            host, _, port = entry.rpartition(":")
            if not host or not port.isdecimal():
                raise ValueError(f"{entry!r} is neither a network (10.0.0.0/8) nor host:port") from None
            endpoints.add((host.strip("[]").lower().rstrip("."), int(port)))
    return Allowance(networks=tuple(networks), endpoints=frozenset(endpoints))


def allowance(allow_private: Iterable[str]) -> Allowance:
    """Networks in CIDR form and `host:port` pairs, read once; raises ValueError on anything else."""
    return _allowance(tuple(allow_private))


def _refuse(reason: str) -> NoReturn:
    raise RefusedAddress(reason)


def _embedded(address: Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 address really leads to (mapped, NAT64, 6to4)."""
    if isinstance(address, IPv4Address):
        return None
    if address in _MAPPED or address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    if address in _SIX_TO_FOUR:
        return IPv4Address(int(address) >> 80 & 0xFFFFFFFF)
    return None


def _behind_isatap(address: Address) -> IPv4Address | None:
    """The IPv4 address in the interface identifier, where a tunnel of that network would end."""
    if address.version == 6 and int(address) >> 32 & 0xFFFFFFFF in _ISATAP:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def check_ip(ip: Address | str, allow_private: Iterable[str] = (), *, port: int | None = None) -> None:
    """Raise RefusedAddress unless `ip` is a public unicast address or inside an allowed network.

    With `port`, a public address must also be asked on a web port; inside an allowed network any port will do.
    """
    try:
        address = ip_address(ip.partition("%")[0] if isinstance(ip, str) else ip)
    except ValueError:
        _refuse(f"{ip!r} is not an IP address")
    allowed = allowance(allow_private)
    if allowed.covers(address):
        return
    inner = _embedded(address)
    if inner is not None:
        check_ip(inner, allow_private, port=port)
        return
    for network, kind in _TABLE:
        if address.version == network.version and address in network:
            _refuse(f"{address} is a {kind} address ({network})")
    if address.version == 6 and address not in _GLOBAL_UNICAST:
        _refuse(f"{address} is not a global unicast address")
    tunnelled = _behind_isatap(address)
    if tunnelled is not None:
        check_ip(tunnelled, allow_private)
    if port is not None and port not in PORTS:
        _refuse(f"port {port} is not a web port ({', '.join(map(str, sorted(PORTS)))})")


def _ascii_host(host: str) -> str:
    """Lower-case ASCII form of a host name (UTS 46, IDNA 2008), one final dot stripped."""
    if not host.isascii():
        try:
            host = idna.encode(host, uts46=True, std3_rules=True).decode("ascii")
        except (idna.IDNAError, UnicodeError):
            _refuse("the host is not a valid internationalised name")
    host = host.lower().removesuffix(".")
    labels = host.split(".")
    if not host or len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        _refuse("the host is not a valid name")
    for label in labels:
        if label.startswith("xn--"):
            try:
                idna.decode(label)
            except (idna.IDNAError, UnicodeError):
                _refuse("the host is not a valid internationalised name")
    return host


def _host(authority: re.Match[str]) -> tuple[str, Address | None]:
    if authority["v6"] is not None:
        if "%" in authority["v6"]:
            _refuse("an address with a zone is never public")
        try:
            v6 = IPv6Address(authority["v6"])
        except ValueError:
            _refuse("the host is not a valid IPv6 address")
        return str(v6), v6
    if not authority["host"]:
        _refuse("the URL has no host")
    host = _ascii_host(authority["host"])
    if _NUMERIC.fullmatch(host.rpartition(".")[2]):
        try:
            v4 = IPv4Address(host)
        except ValueError:
            _refuse("a numeric host must be a plain dotted IPv4 address")
        return host, v4
    return host, None


def is_local_name(host: str) -> bool:
    """Does only a local resolver know this name? Single labels and the suffixes kept for private use."""
    labels = host.split(".")
    return len(labels) == 1 or labels[-1] in _LOCAL_SUFFIXES or ".".join(labels[-2:]) in _LOCAL_SUFFIXES


def _is_loopback_name(host: str) -> bool:
    """Names that lead to this machine whatever a resolver says (RFC 6761, 6.3)."""
    return host.rpartition(".")[2] == "localhost"


def _gives_any_address(host: str) -> bool:
    labels = host.split(".")
    return ".".join(labels[-2:]) in _ANY_ADDRESS_SUFFIXES


def _split(url: str) -> tuple[str, re.Match[str], str]:
    if len(url) > URL_CHARACTERS:
        _refuse(f"the URL is longer than {URL_CHARACTERS} characters")
    if _UNFIT.search(url):
        _refuse("the URL holds a space, a control character or a backslash")
    parts = _SPLIT.fullmatch(url)
    if parts is None or parts["scheme"].lower() not in DEFAULT_PORTS:
        _refuse("only http:// and https:// URLs are contacted")
    if "@" in parts["authority"]:
        _refuse("a URL with a user name or password is not contacted")
    authority = _AUTHORITY.fullmatch(parts["authority"])
    if authority is None:
        _refuse("the host is not a valid name")
    rest = (parts["rest"] or "/").partition("#")[0]
    if (parts["rest"] or "").startswith("#") and "@" in parts["rest"]:
        _refuse("readers disagree which host is meant")
    if _ENCODED_CONTROL.search(rest.partition("?")[0]):
        _refuse("the path holds an encoded control character")
    return parts["scheme"].lower(), authority, rest if rest.startswith("/") else f"/{rest}"


def check_url(url: str, *, allow_private: Iterable[str] = ()) -> CheckedUrl:
    """Read `url` strictly and say what to contact; pure, no name is resolved.

    `allow_private` holds networks in CIDR form and exact `host:port` pairs. Raises RefusedAddress with a reason for
    people on any other scheme than http(s), user info, odd hosts, local names, refused addresses and odd ports.
    """
    return _checked(url.strip(" \t\r\n"), tuple(allow_private))


# A poll asks several times about its URL, the next poll again: where to wait, whom to connect to, what to heed.
@lru_cache(maxsize=1024)
def _checked(url: str, allow_private: tuple[str, ...]) -> CheckedUrl:
    scheme, authority, rest = _split(url)
    host, literal = _host(authority)
    port = int(authority["port"][:6]) if authority["port"] else DEFAULT_PORTS[scheme]
    if not 0 < port < 65536:
        _refuse("the port is not between 1 and 65535")
    allowed = allowance(allow_private)
    if (host, port) not in allowed.endpoints:
        if literal is not None:
            check_ip(literal, allow_private, port=port)
        elif _is_loopback_name(host) and not any(allowed.covers(address) for address in _LOOPBACK):
            _refuse(f"{host} is a local name")
        elif not allowed.networks:
            # With allowed networks the name's addresses decide, where it is resolved.
            if is_local_name(host):
                _refuse(f"{host} is a local name")
            if _gives_any_address(host):
                _refuse(f"{host} stands for the address that is written into it")
            if port not in PORTS:
                _refuse(f"port {port} is not a web port ({', '.join(map(str, sorted(PORTS)))})")
    shown = f"[{host}]" if literal is not None and literal.version == 6 else host
    tail = "" if port == DEFAULT_PORTS[scheme] else f":{port}"
    return CheckedUrl(url=f"{scheme}://{shown}{tail}{rest}", scheme=scheme, host=host, port=port, literal=literal)


def check_answers(host: str, port: int, answers: Iterable[Address | str], allow_private: Iterable[str] = ()) -> None:
    """Check every address that a name resolved to; one bad answer refuses the name: rebinding hides among good ones."""
    allow_private = tuple(allow_private)
    allowed = allowance(allow_private)
    if (host, port) in allowed.endpoints:
        return
    for answer in answers:
        check_ip(answer, allow_private, port=port)
        if is_local_name(host) and not allowed.covers(ip_address(answer)):
            _refuse(f"{host} is a local name")
