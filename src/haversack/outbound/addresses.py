"""Which URLs and IP addresses the server may call, decided without touching the network."""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from yarl import URL

IPAddress = IPv4Address | IPv6Address
IPNetwork = IPv4Network | IPv6Network

URL_LENGTH_MAX = 2048

# A TLS service on any other port is rare enough to be named by the operator. The list keeps a saved URL from
# turning the server into a port scanner of other people's machines.
USUAL_PORTS = frozenset({443, 8443})


class AddressKind(StrEnum):
    """What stands behind an IP address, as far as calling it matters."""

    PUBLIC = "public"
    LOOPBACK = "loopback"
    PRIVATE = "private"
    CLOSED = "closed"


class AddressRefused(Exception):
    """A URL or an IP address that must not be called; `reason` is a sentence fit to be shown.

    The sentence never repeats the URL (it may hold a password) nor a resolved IP address (which would tell an
    outsider how names inside the network resolve).
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """What one kind of outgoing call may reach. The default is for production: public, https, usual ports.

    allow_loopback: 127.0.0.0/8 and ::1 may be called.
    allow_private: networks inside the private ranges (RFC 1918, carrier-grade NAT, unique local) that may be
        called. It never opens link-local, metadata, multicast or reserved addresses, whatever it lists.
    allow_http: plain http is accepted beside https.
    allowed_ports: None means 80, 443 and every port from 1024 on; the low ports belong to other protocols.
    """

    allow_loopback: bool = False
    allow_private: tuple[IPNetwork, ...] = ()
    allow_http: bool = False
    allowed_ports: frozenset[int] | None = USUAL_PORTS

    def allows_port(self, port: int) -> bool:
        """Tell whether the policy lets a URL name this port."""
        if self.allowed_ports is None:
            return port in (80, 443) or 1024 <= port <= 65535
        return port in self.allowed_ports


PRODUCTION_POLICY = AddressPolicy()

# For a developer's machine: receivers on this machine, at whatever port they happen to listen.
DEVELOPMENT_POLICY = AddressPolicy(allow_loopback=True, allow_http=True, allowed_ports=None)


@dataclass(frozen=True, slots=True)
class CheckedUrl:
    """A URL that passed `check_url`, parsed once so that what was checked is what is called.

    host: lower case, IDNA-encoded, IPv6 without brackets.
    address: the IP address when the host is written as one; a name is resolved and checked at each call.
    """

    url: URL
    host: str
    port: int
    address: IPAddress | None


def _networks(*texts: str) -> tuple[IPNetwork, ...]:
    return tuple(ip_network(text) for text in texts)


_LOOPBACK = _networks("127.0.0.0/8", "::1/128")

_PRIVATE = _networks(
    "10.0.0.0/8",
    "100.64.0.0/10",  # carrier-grade NAT; overlay networks use it as well
    "172.16.0.0/12",
    "192.168.0.0/16",
    "198.18.0.0/15",  # benchmarking, used in laboratories
    "fc00::/7",
)

# Never called, whatever a policy says.
_CLOSED = _networks(
    "0.0.0.0/8",  # reaches this machine on Linux
    "100.100.100.200/32",  # metadata of a cloud inside the carrier-grade range
    "168.63.129.16/32",  # the host agent of a cloud, on an address that looks public
    "169.254.0.0/16",  # link-local, and the metadata of nearly every cloud
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "::/96",  # unspecified, and IPv4-compatible addresses
    "64:ff9b:1::/48",  # local NAT64: where the IPv4 part stands is known to the network only
    "100::/64",
    "2001::/23",  # Teredo and other protocol assignments
    "2001:db8::/32",
    "2002::/16",  # 6to4: an IPv4 address of anybody's choice inside
    "3fff::/20",
    "fd00:42::42/128",  # metadata over IPv6 at three clouds, inside the unique local range
    "fd00:c1::a9fe:a9fe/128",
    "fd00:ec2::/32",
    "fd20:ce::/32",
    "fe80::/10",
    "fec0::/10",
    "ff00::/8",
)

_GLOBAL_IPV6 = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
# ISATAP hides an IPv4 address in the lower half of an address of any prefix.
_ISATAP_MARKS = frozenset({0x00005EFE, 0x02005EFE})


def _is_in(address: IPAddress, networks: tuple[IPNetwork, ...]) -> bool:
    return any(address.version == network.version and address in network for network in networks)


def _plain(address: IPAddress) -> IPAddress:
    """Return the IPv4 address that the system connects to when an IPv6 address merely wraps one."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def classify_address(address: IPAddress) -> AddressKind:
    """Tell what kind of target an IP address is, looking through IPv4 addresses wrapped in IPv6."""
    address = _plain(address)
    if _is_in(address, _LOOPBACK):
        return AddressKind.LOOPBACK
    if _is_in(address, _CLOSED):
        return AddressKind.CLOSED
    if _is_in(address, _PRIVATE):
        return AddressKind.PRIVATE
    if isinstance(address, IPv4Address):
        return AddressKind.PUBLIC
    return _classify_global_ipv6(address)


def _classify_global_ipv6(address: IPv6Address) -> AddressKind:
    if address in _NAT64:
        # Networks without IPv4 reach every public IPv4 host this way; the inside of the translator is closed.
        inner = classify_address(IPv4Address(int(address) & 0xFFFFFFFF))
        return AddressKind.PUBLIC if inner is AddressKind.PUBLIC else AddressKind.CLOSED
    is_isatap = (int(address) >> 32) & 0xFFFFFFFF in _ISATAP_MARKS
    if address not in _GLOBAL_IPV6 or is_isatap or address.scope_id is not None:
        return AddressKind.CLOSED
    return AddressKind.PUBLIC


def check_address(address: IPAddress, policy: AddressPolicy) -> AddressKind:
    """Return the kind of an IP address that may be called; raise `AddressRefused` otherwise.

    To be asked for every address a name resolves to, at each new connection.
    """
    kind = classify_address(address)
    if kind is AddressKind.PUBLIC:
        return kind
    if kind is AddressKind.LOOPBACK:
        if policy.allow_loopback:
            return kind
        raise AddressRefused("The address leads to the server itself, which it does not call.")
    if kind is AddressKind.PRIVATE:
        if _is_in(_plain(address), policy.allow_private):
            return kind
        raise AddressRefused("The address leads into a private network, which the server does not call.")
    raise AddressRefused("The address is reserved for special use and is never called.")


@lru_cache(maxsize=1024)
def check_url(url: str, policy: AddressPolicy) -> CheckedUrl:
    """Return the URL parsed, or raise `AddressRefused` with the reason why it may not be saved or called.

    A host name passes here; the addresses it resolves to are checked when it is called.
    """
    parsed = _parse(url)
    if parsed.scheme != "https" and not (parsed.scheme == "http" and policy.allow_http):
        wanted = "https:// or http://" if policy.allow_http else "https://"
        raise AddressRefused(f"The URL must begin with {wanted}.")
    host = parsed.raw_host
    port = parsed.port
    if not host or port is None:
        raise AddressRefused("The URL names no host.")
    if not policy.allows_port(port):
        raise AddressRefused(f"Port {port} is not among the ports that may be called.")
    address = _literal_address(host)
    if address is not None:
        check_address(address, policy)
    else:
        _check_name(host, policy)
    return CheckedUrl(url=parsed, host=host, port=port, address=address)


def _parse(url: str) -> URL:
    if len(url) > URL_LENGTH_MAX:
        raise AddressRefused(f"The URL is longer than {URL_LENGTH_MAX} characters.")
    # Parsers disagree about exactly these characters, and a disagreement is what gets past a check.
    if "\\" in url or " " in url or not url.isprintable():
        raise AddressRefused("The URL holds a space, a backslash or an invisible character.")
    scheme, separator, rest = url.partition("://")
    if not separator or not scheme.isalpha():
        raise AddressRefused("The URL must be absolute, for example https://example.com/path.")
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if "@" in authority:
        raise AddressRefused("The URL must not carry a user name or password.")
    try:
        parsed = URL(url)
        text = str(parsed)
    except ValueError as error:
        raise AddressRefused("The URL cannot be read.") from error
    if len(text) > URL_LENGTH_MAX:
        raise AddressRefused(f"The URL is longer than {URL_LENGTH_MAX} characters once it is encoded.")
    if "[" in authority and ":" not in (parsed.raw_host or ""):
        raise AddressRefused("Only an IPv6 address may stand in brackets.")
    return parsed


def _literal_address(host: str) -> IPAddress | None:
    """Return the host as an IP address, None for a name; refuse every other way to write a number.

    A host whose last label is a number is an IPv4 address to browsers and to the C library, in decimal, octal
    or hexadecimal and with fewer than four parts; only the usual four decimal parts are taken.
    """
    last_label = host.rstrip(".").rpartition(".")[2]
    is_number = re.fullmatch(r"[0-9]+|0x[0-9a-f]*", last_label, re.IGNORECASE) is not None
    if ":" not in host and not is_number:
        return None
    try:
        address = ip_address(host)
    except ValueError as error:
        raise AddressRefused("The host is neither a name nor an IP address in its usual form.") from error
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        raise AddressRefused("The host must not name a network interface.")
    return address


_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"(?:{_LABEL}\.)*{_LABEL}\.?")


def _check_name(host: str, policy: AddressPolicy) -> None:
    if len(host) > 254 or _NAME.fullmatch(host) is None:
        raise AddressRefused("The host is not a valid name.")
    name = host.rstrip(".")
    if (name == "localhost" or name.endswith(".localhost")) and not policy.allow_loopback:
        raise AddressRefused("The address leads to the server itself, which it does not call.")
