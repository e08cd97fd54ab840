"""The ways out: would the mail server take our mail, does the sender's domain vouch for it, do the hooks resolve?

Nothing is sent. A mail server is greeted, TLS begun and the login tried; a hook's name is only looked up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from email.utils import parseaddr
from urllib.parse import urlsplit

from watcher.deliver.channel import Misconfigured
from watcher.deliver.smtp import Server, Tls, parse_server
from watcher.deliver.smtp_link import Link
from watcher.errors import RefusedAddress
from watcher.model import ChannelConfig, ChannelKind, Dkim, OutcomeKind, Secret
from watcher.net import address, dns, resolve
from watcher.net.client import tls_context
from watcher.net.faults import Unreachable
from watcher.pipeline.doctor.finding import Finding, bad, ok, skipped, warn
from watcher.runtime import PRIVATE_NETWORKS, Runtime

_LOCAL = ("localhost", "127.0.0.1", "::1")
_SLACK = "hooks.slack.com"


def mail(rt: Runtime, way: ChannelConfig, *, within_s: float) -> Iterator[Finding]:
    """The mail server of a channel: greeting, TLS, login, what it takes."""
    check = f"mail {way.id}"
    if way.smtp_url is None:
        yield bad(check, "it names no mail server", "set smtp_url in watcher.yml")
        return
    url = rt.resolve(way.smtp_url) if isinstance(way.smtp_url, Secret) else way.smtp_url
    try:
        server = parse_server(url)
    except Misconfigured as error:
        yield bad(check, str(error), "mend smtp_url")
        return
    link = Link(server, tls=tls_context)
    outcome = link.try_out(within_s=within_s)
    if outcome.kind is not OutcomeKind.SENT:
        told = f"{server.host}:{server.port}: {outcome.detail or outcome.reason}"
        yield bad(check, told, "`watcher channels test` sends a sample once this is mended")
        return
    yield _safe(check, server, outcome.detail)


def _safe(check: str, server: Server, takes: str) -> Finding:
    told = f"{server.host}:{server.port} takes our mail ({takes})"
    if server.tls is Tls.NONE and server.host not in _LOCAL:
        return warn(check, f"{told}, and everybody on the way can read it", "use smtp+starttls:// or smtps://")
    return ok(check, told)


def hook(rt: Runtime, way: ChannelConfig, *, within_s: float) -> Iterator[Finding]:
    """A webhook or chat: its address is one that we may ask, and its name resolves to such."""
    check = f"{way.kind.value} {way.id}"
    if way.url is None:
        yield bad(check, "it names no address", "set url in watcher.yml")
        return
    url = rt.resolve(way.url) if isinstance(way.url, Secret) else way.url
    if way.kind is ChannelKind.APPRISE:
        yield skipped(check, "what Apprise contacts is its own affair")
        return
    allowed = (*rt.settings.allow_private, *(PRIVATE_NETWORKS if way.allow_private else ()))
    try:
        checked = address.check_url(url, allow_private=allowed)
        found = resolve.resolve(checked.host, checked.port, within_s)
        address.check_answers(checked.host, checked.port, found, allowed)
    except RefusedAddress as refused:
        yield bad(check, str(refused), "`allow_private: true` on the channel lets it reach a private network")
        return
    except Unreachable as away:
        yield bad(check, str(away), "mend its address, or this machine's resolver")
        return
    told = f"{checked.host} resolves to {len(found)} address{'' if len(found) == 1 else 'es'} that we may ask"
    if urlsplit(url).scheme != "https" and not way.allow_private:
        yield warn(check, f"{told}, unencrypted", "use https")
    elif way.kind is ChannelKind.SLACK and checked.host != _SLACK and not way.allow_private:
        yield warn(check, f"{told}; Slack's own is {_SLACK}", "make sure that it is what you mean")
    else:
        yield ok(check, told)


# ── what the sender's domain publishes ───────────────────────────────────────────────────────────────────────────────


def domains(ways: Iterable[ChannelConfig]) -> dict[str, tuple[Dkim, ...]]:
    """The domains that mail is sent from, each with the keys that sign it."""
    found: dict[str, dict[tuple[str, str], Dkim]] = {}
    for way in ways:
        domain = parseaddr(way.sender or "")[1].rpartition("@")[2].lower()
        if way.kind is ChannelKind.EMAIL and domain:
            keys = found.setdefault(domain, {})
            if way.dkim:
                keys[(way.dkim.domain, way.dkim.selector)] = way.dkim
    return {domain: tuple(keys.values()) for domain, keys in found.items()}


def published(domain: str, keys: Iterable[Dkim], *, within_s: float) -> Iterator[Finding]:
    """SPF, DMARC and the DKIM keys of a domain, as receivers look them up."""
    if address.is_local_name(domain) or domain.endswith((".example", ".test", ".invalid")):
        yield skipped(f"dns {domain}", "a name for tests or for this network alone")
        return
    keys = tuple(keys)
    each_s = within_s / (2 + len(keys))
    try:
        yield spf(domain, dns.txt(domain, within_s=each_s))
        yield dmarc(domain, _below(f"_dmarc.{domain}", each_s))
        for key in keys:
            name = f"{key.selector}._domainkey.{key.domain}"
            yield dkim_key(name, _below(name, each_s))
    except (dns.NoResolver, dns.NoSuchName) as nobody:
        yield skipped(f"dns {domain}", f"not checked: {nobody}")


def _below(name: str, within_s: float) -> tuple[str, ...]:
    """The records of a name under a domain that is there: that nobody knows it is an answer."""
    try:
        return dns.txt(name, within_s=within_s)
    except dns.NoSuchName:
        return ()


def spf(domain: str, records: Iterable[str]) -> Finding:
    """RFC 7208: exactly one record. Pure."""
    found = [one for one in records if one.lower().split(" ")[0] == "v=spf1"]
    check = f"spf {domain}"
    if not found:
        return warn(check, "not published: receivers cannot tell our mail from forged mail", "publish v=spf1 … -all")
    if len(found) > 1:
        return bad(check, f"{len(found)} records, which counts as none (RFC 7208, 4.5)", "keep one")
    if found[0].split()[-1].lower() == "+all":
        return bad(check, "it lets everybody send in this name (+all)", "end it with ~all or -all")
    return ok(check, found[0])


def dmarc(domain: str, records: Iterable[str]) -> Finding:
    """RFC 7489. Pure."""
    found = [one for one in records if one.replace(" ", "").lower().startswith("v=dmarc1")]
    check = f"dmarc {domain}"
    if not found:
        advice = f"publish _dmarc.{domain} TXT v=DMARC1; p=none to begin with"
        return warn(check, "not published: large mailbox providers ask for it", advice)
    return ok(check, found[0])


def dkim_key(name: str, records: Iterable[str]) -> Finding:
    """RFC 6376, 3.6.1: a key with an empty `p=` was withdrawn. Pure."""
    check = f"dkim {name}"
    keys = [dict(part.strip().partition("=")[::2] for part in one.split(";") if "=" in part) for one in records]
    found = [key for key in keys if "p" in {part.strip() for part in key}]
    if not found:
        return bad(check, "the public key is not published: every signature fails", "publish it as a TXT record")
    if not any(key.get("p", "").strip() for key in found):
        return bad(check, "the key was withdrawn (p= is empty)", "publish the key that signs, or another selector")
    return ok(check, "published")
