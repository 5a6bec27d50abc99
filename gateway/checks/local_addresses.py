"""Whether an address leads back to this machine's own listener. Uses the system and the DNS."""

import ipaddress
import socket
from threading import Thread

from gateway.config.checks import addresses

PATIENCE = 2.0
"""Seconds for the DNS, which may take half a minute to fail: a start must not wait for that."""


def reaches(host: str, listening: str) -> bool:
    """Whether a connection to `host` reaches a listener on `listening` (same port).

    Names are resolved; those that cannot be, or not in time, reach nothing.
    """
    places = _addresses(listening)
    return any(_reaches(address, place) for address in _addresses(host) for place in places)


def _reaches(address: str, place: str) -> bool:
    if addresses.reaches(address, place):
        return True
    where = ipaddress.ip_address(place)
    if not where.is_unspecified:
        return False
    return (where.version == 6 or ":" not in address) and _is_own(address)


def _addresses(host: str) -> set[str]:
    found: list[str] = []
    # One that is left alone at the end: nothing can interrupt it.
    asking = Thread(target=lambda: found.extend(_resolved(host)), daemon=True)
    asking.start()
    asking.join(PATIENCE)
    return set(found)


def _resolved(host: str) -> list[str]:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return []
    return [str(address[0]).partition("%")[0] for _, _, _, _, address in found]


def _is_own(address: str) -> bool:
    """Whether an interface of this machine has the address: a socket can be bound only to those."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((address, 0))
    except OSError:
        return False
    return True
