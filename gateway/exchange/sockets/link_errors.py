"""How turns fail on an upstream's socket."""

from gateway.errors import Reason, TruncatedStream, UpstreamError, UpstreamTimeout
from gateway.sockets import ABNORMAL_CLOSURE


class Lost(Exception):
    """The upstream's socket has ended after a turn's create was written, before its first event.

    `error` is the error for the client. `is_refused`: the socket's close code shows that the create
    was not processed.
    """

    def __init__(self, error: UpstreamError, *, is_refused: bool) -> None:
        super().__init__()
        self.error = error
        self.is_refused = is_refused


def broken(upstream: str, code: int, reason: str, *, has_begun: bool) -> UpstreamError:
    """Return the error for a turn whose socket has ended; see `SocketUser.closed`.

    An upstream's own reason is not for clients.
    """
    what, detail, why = "closed its WebSocket", f"code {code}", Reason.CLOSED
    if code == ABNORMAL_CLOSURE and reason:
        what, detail, why = "broke the WebSocket protocol", reason, Reason.BAD_HTTP
    said = f"Upstream '{upstream}' {what} "
    if has_begun:
        return TruncatedStream(f"{said}before its response was complete ({detail}).")
    return UpstreamError(f"{said}without an answer ({detail}).", reason=why)


def silent(upstream: str, seconds: float, *, has_begun: bool) -> UpstreamTimeout:
    """Return the error for a turn of which nothing was heard for so many seconds."""
    waited = "its response" if has_begun else "a response"
    return UpstreamTimeout(
        f"Upstream '{upstream}' sent nothing of {waited} on its WebSocket for {seconds:g} s.",
        reason=Reason.IDLE_TIMEOUT if has_begun else Reason.FIRST_BYTE_TIMEOUT,
    )
