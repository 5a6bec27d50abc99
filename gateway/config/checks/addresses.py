"""Checks of hosts and URLs in the configuration. Pure: no DNS."""

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from gateway import servers
from gateway.config.checks.problems import InvalidValue
from gateway.errors import InvalidRequest
from gateway.ip_addresses import IpAddress, as_ip, is_ip
from gateway.safe_path import check_path
from gateway.servers import Profile

_PRIVATE_SUFFIXES = (".local", ".localhost", ".internal", ".lan", ".home.arpa", ".svc", ".test")
_ENDPOINT_PATHS = (
    *("/chat/completions", "/completions", "/responses", "/messages"),
    *("/models", "/embeddings"),
)

_LABEL = r"[A-Za-z0-9_][A-Za-z0-9_-]{0,62}"
_HOST_NAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*\.?\Z")
"""Resolving other names, with a label that is empty or too long, fails without a reason."""
_UNPRINTABLE = re.compile(r"[^\x21-\x7e]|\\")

_LOOPBACK = (ipaddress.IPv4Address("127.0.0.1"), ipaddress.IPv6Address("::1"))


def checked_base_url(text: str) -> str:
    """Return an upstream's base URL without trailing slashes.

    Raises `InvalidValue` for anything but `http(s)://host[:port][/path]`.
    """
    parts = _split(text, ("http", "https"))
    if "@" in parts.netloc:
        raise InvalidValue("must not contain a user name or password", "put the key under api_key")
    if "?" in text or "#" in text:
        raise InvalidValue(
            "must not contain a query or a fragment", "headers: can carry extra fields"
        )
    path = parts.path.rstrip("/")
    _check_path(path)
    for endpoint in _ENDPOINT_PATHS:
        if path.endswith(endpoint):
            raise InvalidValue(
                f"ends in {endpoint}, which is one endpoint", "write what comes before it"
            )
    return f"{parts.scheme}://{parts.netloc.lower()}{path}"


def _check_path(path: str) -> None:
    """Raise `InvalidValue` for a path that leads elsewhere, or cannot be joined to others."""
    try:
        check_path(path or "/")
    except InvalidRequest as error:
        raise InvalidValue(error.message.removeprefix("The request path ").rstrip(".")) from None


def checked_collector_url(text: str) -> str:
    """Return a collector's base URL without trailing slashes. Raises `InvalidValue`."""
    parts = _split(text, ("http", "https"))
    if "@" in parts.netloc or "?" in text or "#" in text:
        raise InvalidValue(
            "must not contain a user name, a query or a fragment",
            "tracing.headers can carry a collector's key",
        )
    if parts.path.rstrip("/").endswith("/v1/traces"):
        raise InvalidValue("ends in /v1/traces, which is added to it", "write what comes before it")
    return f"{parts.scheme}://{parts.netloc.lower()}{parts.path.rstrip('/')}"


def checked_proxy_url(text: str) -> str:
    """Return a forward proxy's URL; it may carry a user and password. Raises `InvalidValue`."""
    parts = _split(text, ("http", "https"))
    if parts.path.strip("/") or "?" in text or "#" in text:
        raise InvalidValue("must be the proxy's scheme, host and port only")
    return text.rstrip("/")


def checked_redis_url(text: str) -> str:
    """Return a Redis server's URL; it may carry a user and password.

    Raises `InvalidValue` for anything but `redis[s]://[user:password@]host[:port][/number]`.
    """
    parts = _split(text, ("redis", "rediss"))
    if "?" in text or "#" in text:
        raise InvalidValue("must not contain a query or a fragment")
    if not re.fullmatch(r"/?|/[0-9]{1,4}", parts.path):
        raise InvalidValue(
            "must end after host and port, or in a database's number", "as in …:6379/0"
        )
    return text.rstrip("/")


def credentials_apart(url: str) -> tuple[str, str | None]:
    """Return a checked URL without its user and password, and these as they are written in it."""
    scheme, separator, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    credentials, at, host = authority.rpartition("@")
    return f"{scheme}{separator}{host}{slash}{path}", credentials if at else None


def _split(text: str, schemes: tuple[str, ...]) -> SplitResult:
    if not text or _UNPRINTABLE.search(text):
        raise InvalidValue(
            "must be a URL in printable ASCII without spaces",
            "write a host name with other letters in its xn-- form",
        )
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        # Not chained: urllib quotes parts of the URL, which may hold a password.
        raise InvalidValue("is not a URL: its host or port cannot be read") from None
    if parts.scheme not in schemes:
        raise InvalidValue(f"must start with {' or '.join(f'{scheme}://' for scheme in schemes)}")
    if not parts.hostname or not (_HOST_NAME.match(parts.hostname) or is_ip(parts.hostname)):
        raise InvalidValue("has no valid host")
    if port == 0 or parts.netloc.endswith(":"):
        raise InvalidValue("has no valid port", "1 to 65535, or none at all")
    return parts


def host_of(url: str) -> str:
    """Return the host of a checked URL in lower case, an IPv6 address without brackets."""
    return urlsplit(url).hostname or ""


def port_of(url: str) -> int:
    """Return the port of a checked URL, its scheme's own where it names none."""
    parts = urlsplit(url)
    return parts.port or (443 if parts.scheme == "https" else 80)


def path_of(url: str) -> str:
    """Return the path of a checked URL; it may be empty."""
    return urlsplit(url).path


def kind_of_host(host: str) -> Profile:
    """Return the kind of server behind a well-known host, else `AUTO`."""
    name = f".{host.lower().rstrip('.')}"
    for kind in servers.PROFILES:
        if any(name.endswith(f".{known}") for known in kind.hosts):
            return kind
    return servers.AUTO


def is_listening_host(host: str) -> bool:
    """Whether a listener can be bound to this: an IP address without brackets, or a name."""
    return is_ip(host) or _HOST_NAME.match(host) is not None


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the host; False for every name but localhost."""
    address = as_ip(host)
    if address is not None:
        return address.is_loopback
    name = host.lower().rstrip(".")
    return name == "localhost" or name.endswith(".localhost")


def reaches(host: str, listening: str) -> bool:
    """Whether a connection to `host` reaches a listener at `listening`, given the same port.

    Judged by the two texts alone; `gateway/checks/local_addresses.py` asks the system, too.
    """
    targets, place = _connected_to(host), as_ip(listening)
    if place is None or not place.is_unspecified:
        return bool(targets & _connected_to(listening))
    return any(
        not isinstance(target, str) and target.is_loopback and place.version in (6, target.version)
        for target in targets
    )


def _connected_to(host: str) -> set[IpAddress | str]:
    """Return the addresses that a host stands for, else its name."""
    address = as_ip(host)
    if address is not None and not address.is_unspecified:
        return {address}
    if address is not None or is_loopback(host):
        return set(_LOOPBACK)  # where the system connects for 0.0.0.0 and :: too
    return {host.lower().rstrip(".")}


def is_private(host: str) -> bool:
    """Whether the host is this machine or, by its address or name, inside a private network.

    Names without a dot are private (containers, machines of the same site), as are the suffixes
    reserved for private use (RFC 6762, RFC 8375, ICANN's .internal, Kubernetes' .svc).
    """
    address = as_ip(host)
    if address is not None:
        return address.is_private or address.is_loopback or address.is_link_local
    name = host.lower().rstrip(".")
    return "." not in name or name.endswith((*_PRIVATE_SUFFIXES, ".svc.cluster.local"))
