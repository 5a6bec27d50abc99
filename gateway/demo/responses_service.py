"""The calls of `/v1/responses`, over HTTP and over WebSockets, and of the paths below it."""

from collections.abc import Iterator, Sequence

from gateway.demo.accounts import Account
from gateway.demo.call import RequestContext
from gateway.demo.endpoints import responses, responses_beside
from gateway.demo.generation.answer import Answer, Json, ReplyIds
from gateway.demo.generation.barrier import Barrier
from gateway.demo.generation.delivery import deliver
from gateway.demo.kept_responses import Earlier
from gateway.demo.models import Endpoint
from gateway.demo.rules import responses as rules
from gateway.demo.rules import shared


class ResponsesService:
    """Answers requests.

    `numbers` and `created` are those of replies, `pace` is the time between two events of a
    stream, in seconds.
    """

    def __init__(self, numbers: Iterator[int], created: int, barrier: Barrier, pace: float) -> None:
        self._numbers = numbers
        self._created = created
        self._barrier = barrier
        self._pace = pace

    async def create(self, context: RequestContext) -> None:
        """POST /v1/responses."""
        body = await context.call.json()
        answer = self.answer(body, context.account)
        earlier = context.account.responses.earlier(body)
        keep(body, answer, context.account, () if earlier is None else earlier.items)
        stream = bool(body.get("stream"))
        await deliver(context.call, answer, stream=stream, barrier=self._barrier, pace=self._pace)

    def answer(self, body: Json, account: Account, earlier: Earlier | None = None) -> Answer:
        """Check a request, which may continue an earlier response, and answer it.

        Without `earlier` that is one that is stored. Raises `Refused`.
        """
        name = shared.requested_model(body)
        rules.check_names(body)
        model = account.model_for(name, Endpoint.RESPONSES)
        if earlier is None:
            earlier = account.responses.earlier(body)
        if earlier is None:
            return responses.answer(account.items.resolved(body), model, self._ids())
        # On its own first, so that paths in errors are the client's.
        shared.check_members(rules.PARAMETERS, body)
        rules.refuse_two_states(body)
        items = [*earlier.items, *responses.items_of(account.items.resolved(body))]
        whole = {**body, "previous_response_id": None, "input": items}
        return responses.answer(whole, model, self._ids(), previous=earlier.id)

    async def compact(self, context: RequestContext) -> None:
        """POST /v1/responses/compact."""
        body = await responses_beside.request(context, responses_beside.COMPACT)
        await context.call.reply_json(responses_beside.compacted(body, self._ids()))

    async def input_tokens(self, context: RequestContext) -> None:
        """POST /v1/responses/input_tokens."""
        body = await responses_beside.request(context, responses_beside.INPUT_TOKENS)
        await context.call.reply_json(responses_beside.counted(body))

    async def stored(self, context: RequestContext) -> None:
        """GET /v1/responses/{id}."""
        await context.call.reply_json(context.account.responses.one(context.path["response"]))

    async def input_items(self, context: RequestContext) -> None:
        """GET /v1/responses/{id}/input_items, the last one first, in pages."""
        known_as, query = context.path["response"], context.call.record.query
        items = context.account.responses.asked(known_as)
        await context.call.reply_json(responses_beside.input_items(items, known_as, query))

    async def delete(self, context: RequestContext) -> None:
        """DELETE /v1/responses/{id}."""
        known_as = context.path["response"]
        context.account.responses.delete(known_as)
        deleted = {"id": known_as, "object": "response", "deleted": True}
        await context.call.reply_json(deleted)

    def _ids(self) -> ReplyIds:
        return ReplyIds(next(self._numbers), self._created)


def keep(body: Json, answer: Answer, account: Account, before: Sequence[Json]) -> None:
    """Keep an answer and its items, unless the request says that nothing is to be stored.

    `before` are the items that the request continues.
    """
    if body.get("store") is False:
        return
    response = answer.whole()
    asked = responses.items_of(account.items.resolved(body))
    account.items.keep(response["output"])
    account.responses.keep(response, before, asked)
