"""Serves `/v1/edits` through the exchange, as chat requests."""

from collections.abc import Callable
from uuid import uuid4

from gateway.errors import GatewayError, ModelNotFound
from gateway.exchange.client_reply import ClientReply, json_reply
from gateway.exchange.decision import Decision
from gateway.exchange.flow import Exchange
from gateway.exchange.legacy.replies import expect_json, without_body_headers
from gateway.request import GenerationRequest, Request
from gateway.shapes import Json, Shape
from gateway.translate.contract import Context
from gateway.translate.legacy import edits
from gateway.translate.stream.sse import encode_json


class Edits:
    """Edits texts with a chat model. `new_id` draws the ids of what it sends."""

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
        """Return the reply to an edit, asking again for what is missing where `n` is ignored."""
        replies: list[Json] = []
        choices: list[Json] = []
        while len(choices) < edit.n:
            following = Decision() if replies else decision
            asked = edits.request_for_rest(chat, edit.n - len(choices))
            replies.append(await self._chat(asked, edit, call, following))
            choices += edits.choices_from_chat(replies[-1], edit)
            if following is not decision:
                decision.attempts += following.attempts
        return edits.reply_from_chat(choices, replies, edit, context)

    async def _chat(self, chat: Json, edit: edits.Edit, call: Request, decision: Decision) -> Json:
        def client_param(param: str | None) -> str | None:
            return edits.client_param(param, edit)

        headers = without_body_headers(call.headers, body=True)
        made = GenerationRequest.at(Shape.CHAT, encode_json(chat), headers, call.query, call.client)
        with Named(client_param):
            try:
                reply = await self._exchange.run(made, decision)
            except ModelNotFound as error:
                raise self._needs_alias(chat["model"], decision.upstream, error) from error
            return await expect_json(reply, client_param)

    def _needs_alias(self, model: str, upstream: str, error: ModelNotFound) -> ModelNotFound:
        """Return a better error for one of the models that only ever edited."""
        rule = self._exchange.resolver.rule_for(model)
        if model not in edits.MODELS or (rule is not None and rule.model is not None):
            return error
        return ModelNotFound(
            f"The model '{model}' was shut down on 2024-01-04, with the edits endpoint. The "
            "gateway edits with a chat model in its stead once it is told which: add the line "
            f"`{model}: {{model: {edits.SUGGESTED_MODEL}}}` to `models:` in the gateway's "
            "configuration, with that or any other model that follows instructions. (Upstream "
            f"'{upstream}' was asked and does not have it.)",
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


class Named:
    """Gives errors that pass through a `with` block the client's name of their parameter."""

    def __init__(self, client_param: Callable[[str | None], str | None]) -> None:
        self._client_param = client_param

    def __enter__(self) -> None: ...

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, GatewayError):
            error.param = self._client_param(error.param)
