"""Tells systemd which process serves (sd_notify(3)), for units with `Type=notify`."""

import contextlib
import socket
from collections.abc import Mapping


def notify_ready(process: int, environ: Mapping[str, str]) -> None:
    """Report that the gateway serves, and the process that is to be supervised."""
    address = environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    message = f"MAINPID={process}\nREADY=1".encode()
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.sendto(message, address)
