"""Endpoints without a successor: passed on, or refused with what to call instead.

The texts are in `translate/legacy/removed.py`. Other servers have some of the paths (Mistral has
classifications), so a request is refused only after the upstream has refused it.
"""

import re
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import replace

from msgspec import structs

from gateway.errors import InvalidRequest, ModelNotFound, UnknownRoute
from gateway.exchange.client_reply import ClientReply
from gateway.exchange.decision import Decision
from gateway.exchange.errors.failures import NO_ROUTE
from gateway.exchange.legacy.replies import read_reply
from gateway.exchange.passthrough.form_fields import head_of
from gateway.exchange.passthrough.forward import Forwarder
from gateway.exchange.passthrough.request_body import READ_AHEAD_BYTES
from gateway.request import Request
from gateway.resolve.refusals.classify import Verdict, classify
from gateway.translate.legacy.removed import REMOVED, moderation_model_gone, purpose_gone

_ABOUT_A_MODEL = frozenset({Verdict.MODEL_NOT_FOUND, Verdict.MODEL_RETIRED})
_OLD_MODERATION = re.compile(rb"text-moderation-[a-z0-9]+")
_FORM_PURPOSE = re.compile(rb"%b([^\r\n]{1,64})\r\n" % head_of(b"purpose"), re.IGNORECASE)


class RemovedEndpoints:
    """Serves the paths of endpoints that OpenAI has shut down, and files for them."""

    def __init__(self, forwarder: Forwarder) -> None:
        self._forwarder = forwarder

    async def pass_on(self, request: Request, decision: Decision, name: str) -> ClientReply:
        """Pass a request on; raise `UnknownRoute` if the upstream does not have the endpoint.

        The error says what replaced it.
        """
        reply = await self._forwarder.run(request, decision)
        if reply.status not in NO_ROUTE:
            return reply
        body = await read_reply(reply)
        if classify(None, reply.status, body, model="").verdict in _ABOUT_A_MODEL:
            return replace(reply, body=body)
        raise removed(f"/{name}", name)

    async def refuse(self, request: Request, decision: Decision, name: str) -> ClientReply:  # noqa: ARG002
        """Raise `UnknownRoute` for an endpoint that only OpenAI had, saying what replaced it."""
        raise removed(request.path[:200], name)

    async def moderation(self, request: Request, decision: Decision) -> ClientReply:
        """Pass a moderation on; raise `ModelNotFound` if the upstream refuses an old model.

        The error says what to configure.
        """
        reply = await self._forwarder.run(request, decision)
        if reply.status not in (400, 404):
            return reply
        body = await read_reply(reply)
        named = _OLD_MODERATION.search(body)
        if named is None:
            return replace(reply, body=body)
        raise ModelNotFound(moderation_model_gone(named[0].decode("ascii")), param="model")

    async def upload(self, request: Request, decision: Decision) -> ClientReply:
        """Pass a file on; raise `InvalidRequest` if the upstream refuses an old purpose.

        The error says what it was for. The purpose is searched in the first 64 KiB of the form.
        """
        body, seen = request.body, bytearray()
        if isinstance(body, bytes):
            seen += body[:READ_AHEAD_BYTES]
        else:
            request = structs.replace(request, body=_recorded(body, seen))
        reply = await self._forwarder.run(request, decision)
        named = _FORM_PURPOSE.search(seen) if reply.status in (400, 422) else None
        if named is None or (text := purpose_gone(named[1].decode("utf-8", "replace"))) is None:
            return reply
        await read_reply(reply)
        raise InvalidRequest(text, param="purpose", code="invalid_value")


async def _recorded(body: AsyncIterator[bytes], seen: bytearray) -> AsyncGenerator[bytes, None]:
    """Yield a body piece by piece, and record its beginning in `seen`."""
    async for piece in body:
        seen += piece[: READ_AHEAD_BYTES - len(seen)]
        yield piece


def removed(path: str, name: str) -> UnknownRoute:
    """Return the error for the endpoint `name`, called at a path below `/v1`."""
    return UnknownRoute(f"/v1{path}: {REMOVED[name]}.", code="endpoint_removed")
