"""Messages between a parent and one of its workers: lines of JSON over a pair of sockets."""

import logging
import socket
from typing import Any

import msgspec

log = logging.getLogger("gateway")

_PATIENCE = 1.0
"""Seconds to wait until the other process takes a message, which is short: hardly ever needed."""


class Channel:
    """One end. Close it in processes that do not use it."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._end.settimeout(_PATIENCE)
        self._rest = b""
        self.ended = False
        """Whether the other end is closed, or does not take messages."""

    def fileno(self) -> int:
        """Return the file descriptor, to wait for messages."""
        return self._end.fileno()

    def send(self, **message: Any) -> None:
        """Send a message, unless the other process is gone."""
        try:
            self._end.sendall(msgspec.json.encode(message) + b"\n")
        except OSError as error:
            log.debug("a message to another process is lost: %r", error)
            self.ended = True

    def receive(self) -> list[dict[str, Any]]:
        """Return the messages that have arrived; call it when there is something to read."""
        try:
            data = self._end.recv(65536)
        except OSError:
            data = b""
        self.ended = self.ended or not data
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [msgspec.json.decode(line) for line in lines]

    def close(self) -> None:
        """Close this end."""
        self._end.close()


def pair() -> tuple[Channel, Channel]:
    """Return both ends of a new channel."""
    one, other = socket.socketpair()
    return Channel(one), Channel(other)
