"""Calls that nothing of today does the work of: passed on, or refused with what to call instead.

The texts are in `translate/legacy/removed.py`. Other servers than OpenAI's use some of the names
(Mistral has classifications), so a refusal comes where the upstream has nothing there.
"""

import re
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import replace

from gateway.errors import InvalidRequest, ModelNotFound, UnknownRoute
from gateway.exchange.client_reply import ClientReply
from gateway.exchange.decision import Decision
from gateway.exchange.legacy.replies import read_reply
from gateway.exchange.passthrough.forward import Passing
from gateway.exchange.passthrough.request_body import READ_AHEAD_BYTES
from gateway.request import Request
from gateway.resolve.refusals.classify import Verdict, classify
from gateway.translate.legacy.removed import REMOVED, moderation_model_gone, purpose_gone

_ABOUT_A_MODEL = frozenset({Verdict.MODEL_NOT_FOUND, Verdict.MODEL_RETIRED})
_OLD_MODERATION = re.compile(rb"text-moderation-[a-z0-9]+")
_FORM_PURPOSE = re.compile(
    rb'content-disposition:\s*form-data;\s*name="?purpose"?\s*\r\n'
    rb"(?:[!-9;-~]+:[^\r\n]*\r\n)*\r\n([^\r\n]{1,64})\r\n",
    re.IGNORECASE,
)


class Removed:
    """Serves the paths of endpoints that OpenAI has shut down, and files for them."""

    def __init__(self, passing: Passing) -> None:
        self._passing = passing

    async def perhaps(self, request: Request, decision: Decision, name: str) -> ClientReply:
        """Pass a request on, and explain what replaced its endpoint if there is none.

        Raises `UnknownRoute` then.
        """
        reply = await self._passing.run(request, decision)
        if reply.status not in (404, 405):
            return reply
        body = await read_reply(reply)
        if classify(None, reply.status, body, model="").verdict in _ABOUT_A_MODEL:
            return replace(reply, body=body)
        raise removed(f"/{name}", name)

    async def surely(self, request: Request, decision: Decision, name: str) -> ClientReply:  # noqa: ARG002
        """Raise `UnknownRoute` for what only OpenAI ever had, saying what replaced it."""
        raise removed(request.path[:200], name)

    async def moderation(self, request: Request, decision: Decision) -> ClientReply:
        """Pass a text on to be judged; where an old model is missing, say what to configure.

        Raises `ModelNotFound`.
        """
        reply = await self._passing.run(request, decision)
        if reply.status not in (400, 404):
            return reply
        body = await read_reply(reply)
        named = _OLD_MODERATION.search(body)
        if named is None:
            return replace(reply, body=body)
        raise ModelNotFound(moderation_model_gone(named[0].decode("ascii")), param="model")

    async def upload(self, request: Request, decision: Decision) -> ClientReply:
        """Pass a file on; where its purpose is refused, say what that was for.

        The purpose is looked for within the form's first 64 KiB. Raises `InvalidRequest`.
        """
        body, seen = request.body, bytearray()
        if isinstance(body, bytes):
            seen += body[:READ_AHEAD_BYTES]
        else:
            request = replace(request, body=_watched(body, seen))
        reply = await self._passing.run(request, decision)
        named = _FORM_PURPOSE.search(seen) if reply.status in (400, 422) else None
        told = purpose_gone(named[1].decode("utf-8", "replace")) if named is not None else None
        if told is None:
            return reply
        await read_reply(reply)
        raise InvalidRequest(told, param="purpose", code="invalid_value")


async def _watched(body: AsyncIterator[bytes], seen: bytearray) -> AsyncGenerator[bytes, None]:
    """Yield a body piece by piece, noting its beginning."""
    async for piece in body:
        seen += piece[: READ_AHEAD_BYTES - len(seen)]
        yield piece


def removed(path: str, name: str) -> UnknownRoute:
    """Return the error for the endpoint `name`, called at a path below `/v1`."""
    return UnknownRoute(f"/v1{path}: {REMOVED[name]}.", code="endpoint_removed")
