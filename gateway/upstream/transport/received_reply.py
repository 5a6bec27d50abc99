"""What has been received of a reply: its head, and the part of its body that was not yet taken."""

from gateway.shapes import RawHeaders
from gateway.upstream.transport.common_head import read_common_head


class ReceivedReply:
    """A reply as far as it is here. One with a common head is read by `take_common` alone."""

    __slots__ = (
        "_body",
        "_left",
        "buffered",
        "complete",
        "head_complete",
        "headers",
        "keep_alive",
        "status",
    )

    status: int
    """Set with the head, as the fields are."""
    headers: RawHeaders
    """Those that may be relayed, names in lower case."""

    def __init__(self) -> None:
        self._body: list[bytes] = []
        self._left = 0
        """What is missing of the body after a common head."""
        self.head_complete = False
        self.complete = False
        self.keep_alive = False
        """Once it is complete: whether the connection can carry another request."""
        self.buffered = 0
        """How many bytes of the body wait to be taken."""

    def take(self) -> bytes:
        """Return, and forget, all of the body that has arrived and was not yet taken."""
        body = self._body
        self.buffered = 0
        if len(body) == 1:
            return body.pop()
        taken = b"".join(body)
        body.clear()
        return taken

    def peek(self) -> bytes:
        """Return all of the body that has arrived and was not yet taken; it stays to be taken."""
        body = self._body
        if len(body) > 1:
            # In place: a parser may append to this very list.
            body[:] = [b"".join(body)]
        return body[0] if body else b""

    def forget(self) -> None:
        """Drop the unread body, and take no more of it."""
        self._left = 0
        self._body.clear()
        self.buffered = 0

    def take_common(self, data: bytes) -> bool:
        """Take the beginning of a reply that has a whole common head; return whether it has."""
        common = read_common_head(data)
        if common is None:
            return False
        self.status, self.headers, left, start = common
        self.head_complete = True
        if len(data) == start + left:
            self.complete = self.keep_alive = True
            if left:
                self._body.append(data[start:])
                self.buffered = left
        else:
            self._left = left
            self.take_rest(data[start:])
        return True

    def take_rest(self, data: bytes) -> None:
        """Take a piece of the body after a common head."""
        size = len(data)
        left = self._left = self._left - size
        if left <= 0:
            self.complete = True
            self.keep_alive = not left
            if left:  # unsolicited: no request is known that it answers
                data, size = data[:left], size + left
                self._left = 0
        if size:
            self._body.append(data)
            self.buffered += size
