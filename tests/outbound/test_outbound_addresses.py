"""Which URLs and addresses may be called: the table of R20 and its opposite."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haversack.outbound.addresses import (
    DEVELOPMENT_POLICY,
    PRODUCTION_POLICY,
    AddressKind,
    AddressPolicy,
    AddressRefused,
    check_address,
    check_url,
    classify_address,
)

EVERYTHING_OPEN = AddressPolicy(
    allow_loopback=True,
    allow_private=(ip_network("0.0.0.0/0"), ip_network("::/0")),
    allow_http=True,
    allowed_ports=None,
)

LOOPBACK = ["127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1"]
PRIVATE = [
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.127.255.255",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "198.18.0.1",
    "::ffff:10.1.2.3",
    "fd00::1",
    "fc00::1",
]
CLOSED = [
    "0.0.0.0",
    "0.1.2.3",
    "100.100.100.200",
    "168.63.129.16",
    "169.254.169.254",
    "169.254.0.1",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::7f00:1",
    "::ffff:169.254.169.254",
    "::ffff:0.0.0.0",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b::a00:1",
    "64:ff9b:1::808:808",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "2002:a9fe:a9fe::",
    "2606:4700::5efe:7f00:1",
    "3fff::1",
    "4000::1",
    "fd00:42::42",
    "fd00:c1::a9fe:a9fe",
    "fd00:ec2::254",
    "fd20:ce::254",
    "fe80::1",
    "fe80::1%eth0",
    "2606:4700::1111%eth0",
    "fec0::1",
    "ff02::1",
]
PUBLIC = [
    "8.8.8.8",
    "100.63.255.255",
    "100.128.0.1",
    "172.15.255.255",
    "172.32.0.1",
    "2606:4700::1111",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
]


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        *((address, AddressKind.LOOPBACK) for address in LOOPBACK),
        *((address, AddressKind.PRIVATE) for address in PRIVATE),
        *((address, AddressKind.CLOSED) for address in CLOSED),
        *((address, AddressKind.PUBLIC) for address in PUBLIC),
    ],
)
def test_kind_of_an_address(address: str, kind: AddressKind) -> None:
    assert classify_address(ip_address(address)) is kind


@pytest.mark.parametrize("address", [*LOOPBACK, *PRIVATE, *CLOSED])
def test_production_calls_public_addresses_only(address: str) -> None:
    with pytest.raises(AddressRefused) as refusal:
        check_address(ip_address(address), PRODUCTION_POLICY)
    assert address not in refusal.value.reason


@pytest.mark.parametrize("address", CLOSED)
def test_nothing_opens_metadata_and_reserved_addresses(address: str) -> None:
    with pytest.raises(AddressRefused):
        check_address(ip_address(address), EVERYTHING_OPEN)


@pytest.mark.parametrize("address", [*LOOPBACK, *PRIVATE, *PUBLIC])
def test_operator_may_open_the_rest(address: str) -> None:
    assert check_address(ip_address(address), EVERYTHING_OPEN) is classify_address(ip_address(address))


def test_an_opened_network_opens_no_other() -> None:
    policy = AddressPolicy(allow_private=(ip_network("10.1.0.0/16"),))
    assert check_address(ip_address("10.1.2.3"), policy) is AddressKind.PRIVATE
    assert check_address(ip_address("::ffff:10.1.2.3"), policy) is AddressKind.PRIVATE
    for other in ("10.2.0.1", "192.168.0.1", "127.0.0.1", "fd00::1"):
        with pytest.raises(AddressRefused):
            check_address(ip_address(other), policy)


@given(
    st.one_of(
        st.ip_addresses(v=4),
        st.ip_addresses(v=6),
        st.ip_addresses(v=4).map(lambda inner: IPv6Address(f"::ffff:{inner}")),
        st.ip_addresses(v=4).map(lambda inner: IPv6Address((0x64FF9B << 96) | int(inner))),
        st.ip_addresses(network="2000::/3"),
    )
)
def test_public_is_never_wider_than_the_registry(address: IPv4Address | IPv6Address) -> None:
    if classify_address(address) is not AddressKind.PUBLIC:
        return
    plain: IPv4Address | IPv6Address = address
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        plain = address.ipv4_mapped
    assert plain.is_global
    assert not plain.is_multicast


REFUSED_IN_PRODUCTION = [
    "https://127.0.0.1/",
    "https://[::1]/",
    "https://0.0.0.0/",
    "https://10.0.0.1/",
    "https://172.16.0.1/",
    "https://192.168.0.1/",
    "https://100.64.0.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://[fd00::1]/",
    "https://[fe80::1]/",
    "https://[fe80::1%25eth0]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[2002:7f00:1::]/",
    "https://224.0.0.1/",
    "https://240.0.0.1/",
    "https://localhost/",
    "https://localhost./",
    "https://LOCALHOST/",
    "https://shop.localhost/",
    "http://example.com/",
    "https://example.com:8080/",
    "https://example.com:22/",
    "https://example.com:0/",
]
# Whatever the operator opened.
ALWAYS_REFUSED = [
    "http://0x7f000001/",
    "http://0x7f.1/",
    "http://2130706433/",
    "http://017700000001/",
    "http://0177.0.0.1/",
    "http://127.1/",
    "http://127.0.0.1./",
    "http://8.8.8.8./",
    "http://example.com.1/",
    "http://1.2.3.4.5/",
    "http://256.0.0.1/",
    "http://0x/",
    "http://169.254.169.254/",
    "http://169。254。169。254/",
    "http://[fd00:ec2::254]/",
    "http://user@example.com/",
    "http://user:password@example.com/",
    "http://@example.com/",
    "http://:@example.com/",
    "http://example.com@127.0.0.1/",
    "http://example.com\\@127.0.0.1/",
    "http://127.0.0.1\\.example.com/",
    "http://example.com/a b",
    "http://example.com/\r\nX: y",
    "http://example.com/\t",
    "http://example.com/\x00",
    "http://exam\u200bple.com/",
    "http://example.com/\u2028",
    " http://example.com/",
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://example.com/",
    "javascript://example.com/%0aalert(1)",
    "//example.com/",
    "example.com",
    "/path",
    "",
    "http://",
    "http:///path",
    "http://:80/",
    "http://ex%61mple.com/",
    "http://exa mple.com/",
    "http://exam_ple-.com/",
    "http://-example.com/",
    "http://example..com/",
    "http://.example.com/",
    f"http://{'a' * 64}.com/",
    f"http://{'a.' * 130}com/",
    "http://[v1.a]/",
    "http://[example.com]/",
    "http://[::1/",
    "http://[fe80::1%25eth0]/",
    "http://example.com:99999/",
    "http://example.com:-1/",
    "http://example.com:abc/",
    "http://example.com:25/",
    "http://" + "example.com/".ljust(2042, "a"),
    "http://example.com/" + "я" * 400,
]


@pytest.mark.parametrize("url", [*REFUSED_IN_PRODUCTION, *ALWAYS_REFUSED])
def test_urls_refused_in_production(url: str) -> None:
    with pytest.raises(AddressRefused) as refusal:
        check_url(url, PRODUCTION_POLICY)
    assert refusal.value.reason.endswith(".")


@pytest.mark.parametrize("url", ALWAYS_REFUSED)
def test_urls_refused_whatever_is_open(url: str) -> None:
    with pytest.raises(AddressRefused):
        check_url(url, EVERYTHING_OPEN)


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("https://example.com/hook", "example.com", 443),
        ("https://EXAMPLE.com:8443/hook?a=b&c=%2F#part", "example.com", 8443),
        ("https://example.com./", "example.com.", 443),
        ("https://my_service.example.com", "my_service.example.com", 443),
        ("https://bücher.example/ü", "xn--bcher-kva.example", 443),
        ("https://8.8.8.8/", "8.8.8.8", 443),
        ("https://[2606:4700::1111]/", "2606:4700::1111", 443),
        ("https://1.example.com/", "1.example.com", 443),
        ("https://example.com/mail@example.com?to=a@b", "example.com", 443),
        ("https://" + "example.com/".ljust(2040, "a"), "example.com", 443),
    ],
)
def test_urls_allowed_in_production(url: str, host: str, port: int) -> None:
    checked = check_url(url, PRODUCTION_POLICY)
    assert (checked.host, checked.port) == (host, port)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8044/hook",
        "http://localhost:3000/",
        "http://localhost./",
        "http://game.localhost:1024/",
        "http://[::1]:65535/",
        "https://example.com/",
    ],
)
def test_development_calls_this_machine(url: str) -> None:
    assert check_url(url, DEVELOPMENT_POLICY).url.scheme in ("http", "https")


@pytest.mark.parametrize("url", ["http://10.0.0.1/", "http://127.0.0.1:25/", "http://0.0.0.0:8044/"])
def test_development_opens_nothing_else(url: str) -> None:
    with pytest.raises(AddressRefused):
        check_url(url, DEVELOPMENT_POLICY)


@given(st.text(max_size=60).map(lambda rest: f"http://{rest}") | st.text(max_size=60))
def test_any_text_is_answered_with_a_reason(url: str) -> None:
    try:
        checked = check_url(url, EVERYTHING_OPEN)
    except AddressRefused as refusal:
        assert refusal.reason
    else:
        assert checked.url.scheme in ("http", "https")
        assert checked.host.isascii()
