"""`/v1/responses/compact` and `/v1/responses/input_tokens`, for models wherever they live.

If a model lives at responses, its server serves both. For other models a compaction is made as for
a `compaction_trigger`; a count is refused, since no other endpoint counts tokens.
"""

from dataclasses import replace
from secrets import token_hex

import msgspec
from msgspec import structs

from gateway.errors import UnsupportedParameter, UpstreamError
from gateway.exchange.bodies.request_fields import read_object
from gateway.exchange.client_reply import ClientReply
from gateway.exchange.decision import Decision
from gateway.exchange.errors.error_replies import about_moved_item
from gateway.exchange.flow import Exchange
from gateway.exchange.params.rule_params import with_rule
from gateway.exchange.passthrough.forward import Forwarder
from gateway.exchange.reply.classify import ErrorReply
from gateway.exchange.reply.reading import decode_object, identified
from gateway.exchange.stored.errors import (
    kept_elsewhere,
)
from gateway.exchange.stored.responses import (
    input_items,
    own_items,
)
from gateway.request import GenerationRequest, Request
from gateway.resolve.evidence import Route
from gateway.resolve.refusals.classify import Verdict, classify
from gateway.resolve.resolver import ModelQuery
from gateway.shapes import ItemNames, Json, Shape
from gateway.translate.contract import Report
from gateway.translate.parts.tokens.usage import responses_usage
from gateway.translate.responses_via_chat.compaction import TRIGGER
from gateway.translate.unsealing import unsealed

_NOTHING_COUNTED = responses_usage({"prompt_tokens": 0, "completion_tokens": 0})
"""The usage if the upstream reports none: a compaction's usage cannot be null."""
_TAKEN = (
    *("model", "input", "instructions", "previous_response_id", "prompt_cache_key"),
    *("prompt_cache_options", "prompt_cache_retention", "service_tier"),
)
"""The parameters of a compaction request that the request for the summary takes over."""


class Compactor:
    """Serves `/v1/responses/compact` and `/v1/responses/input_tokens`."""

    def __init__(self, exchange: Exchange, forwarder: Forwarder) -> None:
        self._exchange = exchange
        self._forwarder = forwarder

    async def compact(self, request: Request, decision: Decision) -> ClientReply:
        """Return the compacted conversation; raises `GatewayError`."""
        request = await self._named(request)
        reply = await self._at_home(request, decision)
        return reply or await self._summed_up(request, decision)

    async def input_tokens(self, request: Request, decision: Decision) -> ClientReply:
        """Return the number of a request's tokens; raises `GatewayError`."""
        reply = await self._at_home(await self._counted(request, decision), decision)
        if reply is None:
            raise UnsupportedParameter(
                "Tokens cannot be counted for this model: it does not live at /v1/responses, or "
                "its server has no /v1/responses/input_tokens, and no other endpoint counts them. "
                "Send the request itself; its usage has the number.",
                param="model",
                code="unsupported_endpoint",
            )
        return reply

    async def _counted(self, request: Request, decision: Decision) -> Request:
        """Return a request to count with the parameters of its model's rule."""
        request = await self._named(request)
        body = request.body
        model = read_object(body).get("model") if isinstance(body, bytes) else None
        if not isinstance(model, str):
            return request
        return self._exchange.params.counted(request, Shape.RESPONSES, model, decision)

    async def _named(self, request: Request) -> Request:
        """Return a request without a model with the model of the stored response it continues."""
        if not isinstance(request.body, bytes) or "model" in read_object(request.body):
            return request
        named = await self._exchange.responses.with_stored_model(_generating(request, request.body))
        return request if named is None else structs.replace(request, body=named.body, length=None)

    async def _refuse_kept(self, request: Request, body: Json) -> None:
        """Raise `InvalidRequest` for an id of the gateway's store: no upstream knows it."""
        param = await self._exchange.responses.stored_parameter(
            request.headers, request.client, body
        )
        if param is not None:
            raise kept_elsewhere(param)

    async def _at_home(self, request: Request, decision: Decision) -> ClientReply | None:
        """Return the reply of the model's own responses endpoint; None: it does not serve this."""
        if not isinstance(request.body, bytes):
            return await self._forwarder.run(request, decision)
        body = read_object(request.body)
        model = body.get("model")
        if not isinstance(model, str) or not model:
            await self._refuse_kept(request, body)
            return await self._forwarder.run(request, decision)
        decision.asked_for(model)
        if request.client is not None and request.client.is_restricted:
            await self._exchange.attempts.check_names(_generating(request, request.body))
        query = ModelQuery(model, Shape.RESPONSES, headers=request.headers)
        route = await self._exchange.resolver.resolve(query)
        if route.shape is not Shape.RESPONSES:
            return None
        await self._refuse_kept(request, body)
        readable, items = self._unsealed(request, body, route, decision)
        reply = await self._forwarder.run(readable, decision)
        if reply.status < 400 or not isinstance(reply.body, bytes):
            return reply
        refusal = classify(None, reply.status, reply.body, model=route.model_sent)
        if refusal.verdict is Verdict.UNKNOWN_ROUTE:
            return None
        failure = ErrorReply(0, reply.status, tuple(reply.headers), reply.body)
        error = None if items is None else about_moved_item(failure, items)
        if error is not None:
            raise error
        return reply

    def _unsealed(
        self, request: Request, body: Json, route: Route, decision: Decision
    ) -> tuple[Request, ItemNames | None]:
        """Return a request without content that the gateway has sealed, which no server can read.

        Also returns the client's names of the remaining items, if they have moved.
        """
        call = _generating(request, b"")
        context = self._exchange.attempts.sealing_context(call, route, Shape.RESPONSES)
        report = Report(Shape.RESPONSES, Shape.RESPONSES)
        readable, items = unsealed(body, context, report)
        if not report.size:
            return request, None
        decision.translation = with_rule(report, decision)
        return structs.replace(request, body=msgspec.json.encode(readable), length=None), items

    async def _summed_up(self, request: Request, decision: Decision) -> ClientReply:
        body = read_object(request.body) if isinstance(request.body, bytes) else {}
        summary_body = {name: body[name] for name in _TAKEN if name in body}
        items = None
        if (own := own_items(body)) is not None:
            summary_body["input"] = [*own[0], {"type": TRIGGER}]
            items = ItemNames([*own[1].items, "input"])
        summary_body["store"] = False
        call = structs.replace(_generating(request, msgspec.json.encode(summary_body)), items=items)
        reply = await self._exchange.run(call, decision)
        if reply.status != 200 or not isinstance(reply.body, bytes):
            return reply
        response = decode_object(reply.body)
        if not any(item.get("type") == "compaction" for item in response.get("output", ())):
            raise identified(_no_compaction(), reply.headers)
        compacted = _resource(response, input_items(body))
        headers = [pair for pair in reply.headers if pair[0] != b"content-length"]
        return replace(reply, headers=headers, body=msgspec.json.encode(compacted))


def _no_compaction() -> UpstreamError:
    return UpstreamError(
        "The upstream neither has /v1/responses/compact nor makes a compaction for a "
        "'compaction_trigger'. Compact the conversation in the client."
    )


def _generating(request: Request, body: bytes) -> GenerationRequest:
    return GenerationRequest.at(
        Shape.RESPONSES, body, request.headers, request.query, request.client
    )


def _resource(response: Json, given: list[Json]) -> Json:
    """Return a response with a compaction as one: the user messages, and the sealed summary."""
    messages = [
        _message(item)
        for item in given
        if item.get("role") == "user" and item.get("type", "message") == "message"
    ]
    return {
        "id": response["id"],
        "object": "response.compaction",
        "created_at": response["created_at"],
        "output": [*messages, *response["output"]],
        "usage": response["usage"] or _NOTHING_COUNTED,
    }


def _message(item: Json) -> Json:
    content = item.get("content")
    if isinstance(content, str):
        content = [{"type": "input_text", "text": content}]
    return {
        "id": f"msg_{token_hex(16)}",
        "status": "completed",
        **item,
        "type": "message",
        "content": content,
    }
