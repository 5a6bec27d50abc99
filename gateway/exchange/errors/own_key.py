"""Recognises errors within replies that refuse the gateway's own key, not the client's."""

from gateway.config.settings import UpstreamSettings
from gateway.envelopes.refused_keys import refuses_key
from gateway.errors import GatewayError, UpstreamError, UpstreamReplied
from gateway.exchange.errors.failures import check_own_key
from gateway.exchange.reply.classify import ErrorReply
from gateway.shapes import RawHeaders
from gateway.translate.stream.sse import encode_json

_UNAUTHORIZED = 401
_SUCCESS = 200


def in_own_words(upstream: UpstreamSettings, error: GatewayError) -> GatewayError:
    """Return the error that the client gets for one in a stream.

    An error that refuses the gateway's own key becomes an error of the gateway. An error without a
    status of its own is judged by its words, like one under a status of success.
    """
    if isinstance(error, UpstreamReplied):
        try:
            check_own_key(upstream, _status(error), _body(error))
        except GatewayError as own:
            return own.bare()
    return error


def refused_by_event(upstream: UpstreamSettings, status: int, event: bytes) -> UpstreamError | None:
    """Return the gateway's error for an event that refuses the gateway's own key; else None.

    `status` is the event's, 0 if it has none.
    """
    try:
        check_own_key(upstream, status, event)
    except UpstreamError as own:
        return own.bare()
    return None


def as_refused_key(error: UpstreamReplied, headers: RawHeaders) -> ErrorReply | None:
    """Return an error within a whole reply as an error reply, if it refuses the key; else None.

    The caller has to know whether that key is the gateway's or the client's.
    """
    status, body = _status(error), _body(error)
    if status != _UNAUTHORIZED and not refuses_key(body):
        return None
    return ErrorReply(0, status, headers, body, for_client=error.bare())


def _status(error: UpstreamReplied) -> int:
    return _UNAUTHORIZED if error.status == _UNAUTHORIZED else _SUCCESS


def _body(error: UpstreamReplied) -> bytes:
    return encode_json(dict(error.envelope()))
