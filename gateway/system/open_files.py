"""How many files the process may have open: what the limit is, and raising it."""

from importlib import import_module
from math import inf


def open_files_limit() -> float:
    """Return how many files the process may have open; inf: any number, or unknown."""
    try:
        resource = import_module("resource")
    except ImportError:
        return inf
    limit: int = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return inf if limit == resource.RLIM_INFINITY else limit


def raise_open_files_limit() -> bool:
    """Raise the limit as far as the system lets a process do so itself; return whether it did.

    Most shells and systemd begin with 1,024, for the sake of programs that call `select` (see
    systemd.exec(5)); that is 500 streams, each with a client and an upstream.
    """
    try:
        resource = import_module("resource")
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    except (ImportError, OSError, ValueError):
        return False
    return True
