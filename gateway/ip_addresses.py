"""Which hosts are IP addresses, and not names."""

import ipaddress

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


def as_ip(host: object) -> IpAddress | None:
    """Return the IP address that a host is, written without brackets; None for a name.

    One of version 4 that is written as one of version 6 (`::ffff:10.0.0.1`) is one of version 4.
    """
    if not isinstance(host, str):
        return None
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped if isinstance(mapped, ipaddress.IPv4Address) else address


def is_ip(host: object) -> bool:
    """Whether a host is an IP address, written without brackets."""
    return as_ip(host) is not None
