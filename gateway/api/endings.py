"""How requests end: failures before the reply, streamed replies, and disconnects."""

import asyncio
import logging

from gateway.api.writing import ReplyWriter
from gateway.errors import GatewayError, ShuttingDown
from gateway.exchange.client_reply import ClientReply
from gateway.exchange.decision import Decision
from gateway.exchange.restricted.allowed_models import ModelNotAllowed
from gateway.exchange.usage import tokens_in
from gateway.observe.outcomes import FAILED_INSIDE, Ending, ended, ended_with
from gateway.system.exhausted import ADVICE, REPLY_FIELDS, lacking

log = logging.getLogger("gateway")


class ClientGone(Exception):
    """The client has disconnected; no reply is possible."""


def ending_of(error: Exception, decision: Decision) -> Ending:
    """Return how a request ends that fails before its reply has begun; log bugs.

    The decision takes the model of a refusal that came before anything was decided.
    """
    if isinstance(error, ModelNotAllowed):
        decision.asked_for(decision.model_asked or error.model)
    known = _known(error)
    if known is not None:
        return ended_with(known)
    who, request_id = decision.client or "none", decision.request_id or "none"
    words = "a request failed inside the gateway (client: %s, request: %s)"
    log.error(words, who, request_id, exc_info=error)
    return FAILED_INSIDE


def client_error(error: Exception, decision: Decision) -> GatewayError:
    """Return the error that the client gets; that of a bug names the request as the log does."""
    return _known(error) or GatewayError(
        "The gateway itself failed. Retry the request; if it fails again, "
        + _whom_to_ask(decision.request_id)
    )


def _whom_to_ask(request_id: str) -> str:
    if not request_id:
        return "see the gateway's log."
    return f"tell the gateway's operator the id under which its log has the cause: {request_id}."


def _known(error: Exception) -> GatewayError | None:
    """Return an error for clients; None: it is a bug.

    What is loaded with the first request that needs it cannot be loaded without a file descriptor.
    """
    if isinstance(error, GatewayError):
        return error
    words = lacking(error)
    if words is None:
        return None
    message = f"The gateway has run out of what this request needs: {words}. {ADVICE}"
    return GatewayError(message, status=503, code="exhausted", headers=REPLY_FIELDS)


def written_at_once(answer: ClientReply, writer: ReplyWriter, decision: Decision) -> Ending | None:
    """Write a reply that is here as a whole, and return its ending; None: it was not written."""
    body = answer.body
    if isinstance(body, bytes) and writer.write_at_once(answer, body, decision):
        return _ended_whole(answer, body, decision)
    return None


def shutting_down() -> ShuttingDown:
    """Return the error of a request that comes while the gateway drains, or outlasts that."""
    return ShuttingDown("The gateway is shutting down; try again.", headers=(("retry-after", "1"),))


async def written(answer: ClientReply, writer: ReplyWriter, decision: Decision) -> Ending:
    """Write a reply and return its ending; raises what its body raises.

    A client may leave as soon as it has the last event, while the body's end is still to come.
    """
    body = answer.body
    if isinstance(body, bytes):
        await writer.write(answer, decision)
        return _ended_whole(answer, body, decision)
    try:
        await writer.write(answer, decision)
    except (ClientGone, asyncio.CancelledError):
        if not (writer.gone and body.is_complete):
            raise
        undo_cancellation()
    finally:
        decision.tokens = body.tokens
        await body.aclose()
    return ended(decision, answer.status, body.failure)


def _ended_whole(answer: ClientReply, body: bytes, decision: Decision) -> Ending:
    if decision.shape is not None:
        decision.tokens = tokens_in(body)
    return ended(decision, answer.status)


def undo_cancellation() -> None:
    """Undo the cancellation of this task by the client's disconnect."""
    task = asyncio.current_task()
    if task is not None:
        task.uncancel()
