"""Addresses of this machine that a test has for itself, and one that never answers.

A port that is only free at the moment can be another test's a moment later, as its listener's or
as the source of a connection. So it stays bound here, to a socket that does not listen: the kernel
gives it to nobody who asks for any port, refuses connections to it, and lets a program that names
it listen, as all servers set `SO_REUSEADDR`.
"""

import atexit
import socket

NO_SUCH_HOST = "a." * 140 + "invalid"
"""Longer than a name can be: it is not found whatever the network's name server does, or not."""
_bound: list[socket.socket] = []


@atexit.register
def _release() -> None:
    for bound in _bound:
        bound.close()


def held_port() -> int:
    """Return a port of 127.0.0.1 that is for the caller alone as long as this process runs."""
    bound = socket.socket()
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bound.bind(("127.0.0.1", 0))
    _bound.append(bound)
    port: int = bound.getsockname()[1]
    return port
