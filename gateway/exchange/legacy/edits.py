"""Serves `/v1/edits` through the exchange, as chat requests."""

from collections.abc import Callable
from uuid import uuid4

from gateway.errors import ModelNotFound
from gateway.exchange.client_reply import ClientReply, json_reply
from gateway.exchange.decision import Decision
from gateway.exchange.flow import Exchange
from gateway.exchange.legacy.replies import (
    RenamedParameters,
    expect_json,
    without_body_headers,
)
from gateway.exchange.params.rule_params import with_params
from gateway.request import GenerationRequest, Request
from gateway.shapes import Json, Shape
from gateway.translate.contract import Context, Report
from gateway.translate.legacy import edits
from gateway.translate.stream.sse import encode_json


class Edits:
    """Edits texts with a chat model. `new_id` makes the ids of the markers in its prompts."""

    def __init__(self, exchange: Exchange, new_id: Callable[[], str] = lambda: uuid4().hex) -> None:
        self._exchange = exchange
        self._new_id = new_id

    async def edited(self, body: Json, call: Request, decision: Decision) -> ClientReply:
        """Serve one edit; `call` is the request that `body` came with."""
        context = self._context(body)
        chat, edit = edits.request_to_chat(body, context)
        try:
            edited = await self._edited_by_chat(chat, edit, context, call, decision)
            return json_reply(encode_json(edited))
        finally:
            home = decision.shape or Shape.CHAT
            notes = decision.translation.split("; ")[2:]
            decision.translation = "; ".join(["from=edits", f"to={home}", *notes])

    async def _edited_by_chat(
        self, chat: Json, edit: edits.Edit, context: Context, call: Request, decision: Decision
    ) -> Json:
        """Return the reply to an edit; requests more choices from upstreams that ignore `n`."""
        replies: list[Json] = []
        choices: list[Json] = []
        while len(choices) < edit.n:
            following = Decision() if replies else decision
            rest = edits.request_for_rest(chat, edit.n - len(choices))
            replies.append(await self._chat(rest, edit, call, following))
            choices += edits.choices_from_chat(replies[-1], edit)
            if following is not decision:
                decision.attempts += following.attempts
        if len(replies) > 1:
            several = Report(Shape.CHAT, Shape.CHAT)
            several.emulate("n")
            decision.translation = with_params(decision.translation, several, Shape.CHAT)
        return edits.reply_from_chat(choices, replies, edit, context)

    async def _chat(self, chat: Json, edit: edits.Edit, call: Request, decision: Decision) -> Json:
        def client_param(param: str | None) -> str | None:
            return edits.client_param(param, edit)

        headers = without_body_headers(call.headers, body=True)
        body = encode_json(chat)
        request = GenerationRequest.at(Shape.CHAT, body, headers, call.query, call.client)
        with RenamedParameters(client_param):
            try:
                reply = await self._exchange.run(request, decision)
            except ModelNotFound as error:
                raise self._needs_alias(chat["model"], decision.upstream, error) from error
            return await expect_json(reply, client_param)

    def _needs_alias(self, model: str, upstream: str, error: ModelNotFound) -> ModelNotFound:
        """Return an error that says what to configure for a model that only had edits."""
        rule = self._exchange.resolver.rule_for(model)
        if model not in edits.MODELS or (rule is not None and rule.model is not None):
            return error
        return ModelNotFound(
            f"The model '{model}' was shut down on 2024-01-04, with the edits endpoint. The "
            "gateway can edit with a chat model instead: add the line "
            f"`{model}: {{model: {edits.SUGGESTED_MODEL}}}` to `models:` in the gateway's "
            "configuration, with that or any other model that follows instructions. (Upstream "
            f"'{upstream}' does not have the model.)",
            param="model",
        )

    def _context(self, body: Json) -> Context:
        model = body.get("model")
        name = model if isinstance(model, str) else ""
        rule = self._exchange.resolver.rule_for(name)
        return Context(
            model_asked=name,
            model_sent=name,
            reasoning_effort=rule.reasoning_effort if rule is not None else None,
            new_id=self._new_id,
            now=int(self._exchange.attempts.wall_clock()),
        )
