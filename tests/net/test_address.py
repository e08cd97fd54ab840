"""Who may be contacted: the attack table, the ranges, the allow list."""

from __future__ import annotations

import pytest

from watcher.errors import RefusedAddress
from watcher.net.address import check_answers, check_ip, check_url

REFUSED = """
http://127.0.0.1/|http://localhost/|http://LOCALHOST./|http://127.1/|http://0/|http://0.0.0.0:8000/|http://2130706433/
http://0x7f000001/|http://0x7f.1/|http://0177.0.0.1/|http://127。0。0。1/|http://①②⑦.⓪.⓪.①/|http://[::1]/|http://[::]/
http://[::ffff:127.0.0.1]/|http://[::ffff:7f00:1]/|http://[::127.0.0.1]/|http://[64:ff9b::7f00:1]/
http://[64:ff9b::a9fe:a9fe]/|http://[2002:7f00:1::]/|http://[2001:0:7f00:1::]/|http://[fe80::1%25lo]/|http://[fe80::1]/
http://[fd00:ec2::254]/|http://[fec0::1]/|http://[ff02::1]/|http://169.254.169.254/latest/meta-data/
http://169.254.169.254.:80/|http://metadata.google.internal/|http://100.100.100.200/|http://192.0.0.192/
http://168.63.129.16/|http://10.0.0.1/|http://172.31.255.255/|http://192.168.0.1/|http://198.18.0.1/|http://224.0.0.1/
http://255.255.255.255/|http://redis:6379/|http://redis/|http://postgres.svc.cluster.local/|http://a@127.0.0.1/
http://a@example.com/|http://127.0.0.1\\@example.com/|http://example.com:80@127.0.0.1:22/|http:///127.0.0.1/
http://127.0.0.1#@example.com/|//127.0.0.1/|file:///etc/passwd|data:text/xml,<rss/>|ftp://example.com/|gopher://127.0.0.1:6379/_FLUSHALL
http://example.com:22/|http://example.com:25/|http://example.com:6379/|http://example.com:5432/|http://x/%0d%0aX:%20y
http://example.com/%0d%0aX:%20y|http://exa%00mple.com/|http://exa mple.com/|http://exa\x00mple.com/|http://xn--/
http://xn--a.example/|http://example.com:0/|http://example.com:99999/|http://example.com:8a/|http://[::1/|http://::1/
http://exa_mple..com/|http://-a.example/|http://ä%.example/|javascript:alert(1)|http:/example.com/|example.com
http://example.com/a b|http://1.2.3/|http://1.2.3.4.5/|http://0xa9fea9fe/|http://1.1.1.0x1/
http://[64:ff9b:1::7f00:1]/|http://[100::1]/|http://[2001:db8::1]/|http://[3fff::1]/|http://[5f00::1]/|http://[4000::1]/
http://203.0.113.7/|http://192.88.99.1/|http://240.0.0.1/|http://100.64.0.1/|http://router.lan/|http://x.home.arpa/
""".strip()
ADDRESSES = [url for line in REFUSED.split("\n") for url in line.split("|")]


@pytest.mark.parametrize(
    "url", [*ADDRESSES, "http://" + "a" * 64 + ".example/", "http://example.com/" + "a" * 5000, "", "http://"]
)
def test_an_address_that_must_not_be_contacted_is_refused(url: str) -> None:
    with pytest.raises(RefusedAddress):
        check_url(url)


@pytest.mark.parametrize(
    ("url", "contacted"),
    [
        ("http://example.com", "http://example.com/"),
        ("HTTPS://Example.COM./Feed.xml#top", "https://example.com/Feed.xml"),
        ("http://example.com:80/a?b=c", "http://example.com/a?b=c"),
        ("https://example.com:8443/a", "https://example.com:8443/a"),
        ("http://example.com?x=1", "http://example.com/?x=1"),
        ("http://bücher.example/ä", "http://xn--bcher-kva.example/ä"),
        ("http://重庆.example/", "http://xn--fiqs8sqzy.example/"),
        ("http://8.8.8.8/", "http://8.8.8.8/"),
        ("http://[2606:2800:220:1:248:1893:25c8:1946]/", "http://[2606:2800:220:1:248:1893:25c8:1946]/"),
        ("http://a_b.example.com/@name", "http://a_b.example.com/@name"),
        ("http://example.com/#@127.0.0.1/", "http://example.com/"),
        (" http://example.com/ ", "http://example.com/"),
        ("http://127.0.0.1.example.com/", "http://127.0.0.1.example.com/"),
    ],
)
def test_a_public_url_is_read_in_one_way(url: str, contacted: str) -> None:
    if "重庆" in url:
        contacted = "http://" + "重庆".encode("idna").decode() + ".example/"
    assert check_url(url).url == contacted


def test_a_host_that_readers_disagree_about_is_refused() -> None:
    """RFC 3986 ends the host at "#", but clients exist that read up to the "@"."""
    with pytest.raises(RefusedAddress, match="readers disagree"):
        check_url("http://example.com#@127.0.0.1/")


@pytest.mark.parametrize(
    "ip",
    ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1", "2a00:1450::1"],
)
def test_a_public_address_passes(ip: str) -> None:
    check_ip(ip)


@pytest.mark.parametrize(
    ("ip", "kind"),
    [
        ("127.0.0.1", "loopback"),
        ("64:ff9b::a9fe:a9fe", "link-local"),
        ("2002:a00:1::", "private"),
        ("::ffff:100.64.0.1", "carrier-grade NAT"),
        ("168.63.129.16", "cloud metadata"),
        ("192.0.0.192", "protocol assignments"),
        ("fe80::1%eth0", "link-local"),
    ],
)
def test_a_refusal_names_the_kind_of_address(ip: str, kind: str) -> None:
    with pytest.raises(RefusedAddress, match=f"is a {kind} address"):
        check_ip(ip)


def test_one_bad_answer_among_good_ones_refuses_the_name() -> None:
    with pytest.raises(RefusedAddress):
        check_answers("example.com", 80, ["93.184.216.34", "127.0.0.1"])


def test_an_allowed_network_may_be_contacted_on_any_port() -> None:
    assert check_url("http://127.0.0.1:5001/x", allow_private=("127.0.0.0/8",)).port == 5001
    with pytest.raises(RefusedAddress):
        check_url("http://10.0.0.1/", allow_private=("127.0.0.0/8",))


def test_an_allowed_endpoint_is_that_host_and_that_port_only() -> None:
    assert check_url("http://bridge:3000/", allow_private=("bridge:3000",)).host == "bridge"
    check_answers("bridge", 3000, ["172.18.0.5"], ("bridge:3000",))
    for url in ("http://bridge:3001/", "http://other:3000/"):
        with pytest.raises(RefusedAddress):
            check_url(url, allow_private=("bridge:3000",))


def test_with_an_allowed_network_a_local_name_must_lead_into_it() -> None:
    allowed = ("10.0.0.0/8",)
    check_url("http://bridge:3000/", allow_private=allowed)
    check_answers("bridge", 3000, ["10.1.2.3"], allowed)
    for answers in (["8.8.8.8"], ["10.1.2.3", "192.168.0.1"]):
        with pytest.raises(RefusedAddress):
            check_answers("bridge", 80, answers, allowed)
    with pytest.raises(RefusedAddress, match="port 6379"):
        check_answers("example.com", 6379, ["8.8.8.8"], allowed)


def test_an_allow_list_that_is_neither_network_nor_endpoint_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="neither a network"):
        check_url("http://example.com/", allow_private=("intranet",))
