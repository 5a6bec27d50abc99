"""The three standard streams: who starts the gateway may have closed some of them (`>&-`)."""

import os

_STANDARD = range(3)


def open_closed_ones() -> None:
    """Open those that are closed, on nothing.

    Otherwise a socket or a pipe would get such a number, and with it what is meant for a stream.
    """
    for descriptor in _STANDARD:
        try:
            os.fstat(descriptor)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)  # the lowest free number, which is this one
            os.set_inheritable(opened, True)
