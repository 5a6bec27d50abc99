"""Reports failed look-ups: they fail no request, so nothing else would report them."""

from collections.abc import Callable

from gateway.errors import UpstreamError, reason_of
from gateway.exchange.decision import UpstreamFailure
from gateway.shapes import Send, UpstreamCall, UpstreamReply


def reporting(send: Send, failed: Callable[[UpstreamFailure], None]) -> Send:
    """Return a `Send` for look-ups that reports upstream failures to `failed`.

    A status below 500 is an answer: not every key may list models, and not every server has the
    path.
    """

    async def ask(call: UpstreamCall) -> UpstreamReply:
        try:
            reply = await send(call)
        except UpstreamError as error:
            status, message = error.upstream_status, error.message
            failed(UpstreamFailure(call.upstream, error.reason, status, message))
            raise
        if reply.status >= 500:
            failed(UpstreamFailure(call.upstream, reason_of(reply.status), reply.status))
        return reply

    return ask
