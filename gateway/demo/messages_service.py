"""Anthropic's API, which the emulator has at the same address as OpenAI's.

Both have their own models: OpenAI's cannot be called here, nor Anthropic's at OpenAI's endpoints.
Where the two share a path, `/v1/models`, the header `anthropic-version` decides.
"""

from collections.abc import Iterator, Mapping

from gateway.demo.call import VERSION, Handler, RequestContext
from gateway.demo.endpoints import messages
from gateway.demo.generation.answer import Json, ReplyIds
from gateway.demo.generation.barrier import Barrier
from gateway.demo.generation.delivery import deliver
from gateway.demo.messages_models import MessagesModel
from gateway.demo.refusals import Refused
from gateway.demo.refusals.messages import (
    field_required,
    in_anthropics_words,
    invalid,
    no_such_model,
    wrong_version,
)
from gateway.demo.rules import messages as rules
from gateway.demo.rules.messages_model import check_counted


class MessagesService:
    """The calls of `/v1/messages`.

    `numbers` and `created` are those of replies, `pace` is the time between two events of a
    stream, in seconds.
    """

    def __init__(self, numbers: Iterator[int], created: int, barrier: Barrier, pace: float) -> None:
        self._numbers = numbers
        self._created = created
        self._barrier = barrier
        self._pace = pace

    async def create(self, context: RequestContext) -> None:
        """POST /v1/messages."""
        body, model = await _request(context)
        ids = ReplyIds(next(self._numbers), self._created)
        answer = messages.answer(body, model, ids)
        await deliver(
            context.call,
            answer,
            stream=bool(body.get("stream")),
            barrier=self._barrier,
            pace=self._pace,
        )

    async def count_tokens(self, context: RequestContext) -> None:
        """POST /v1/messages/count_tokens."""
        body, model = await _request(context, counts=True)
        check_counted(body, model)
        await context.call.reply_json({"input_tokens": messages.input_tokens(body)})


async def _request(context: RequestContext, *, counts: bool = False) -> tuple[Json, MessagesModel]:
    """Return a checked request and its model; raises `Refused`."""
    headers = context.call.record.headers
    betas = [beta.strip() for beta in headers.get("anthropic-beta", "").split(",")]
    body = await context.call.json()
    name = body.get("model")
    if name is None:
        raise field_required("model")
    if not isinstance(name, str):
        raise invalid("model: Input should be a valid string")
    rules.check(body, headers[VERSION], betas, counts=counts)
    model = context.account.messages_models.get(name)
    if model is None:
        raise no_such_model(name)
    return body, model


def check_version(headers: Mapping[str, str]) -> None:
    """Refuse a request for Anthropic's API without a version that there has been."""
    given = headers.get(VERSION)
    if given not in rules.VERSIONS:
        raise wrong_version(given)


def credential(headers: Mapping[str, str]) -> str | None:
    """Return the key of a request as an Authorization header has it; None: it has none."""
    key = headers.get("x-api-key")
    return headers.get("authorization") if key is None else f"Bearer {key}"


def refusal_of(refused: Refused, request_id: str) -> tuple[Json, Refused]:
    """Return the body of an error, with the request's id, and the error in Anthropic's words."""
    own = in_anthropics_words(refused)
    return {**own.envelope(), "request_id": request_id}, own


def either(anthropics: Handler, openais: Handler) -> Handler:
    """Return the handler of a path that both services have."""

    async def handle(context: RequestContext) -> None:
        await (anthropics if context.call.is_anthropics else openais)(context)

    return handle
