"""The calls of `/v1/responses`, over HTTP and over WebSockets, and of the paths below it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gateway.demo.accounts import Account
from gateway.demo.call import RequestContext
from gateway.demo.endpoints import responses, responses_beside
from gateway.demo.generation.answer import Answer, Json, ReplyIds
from gateway.demo.generation.barrier import Barrier
from gateway.demo.generation.delivery import deliver
from gateway.demo.models import Endpoint
from gateway.demo.refusals import Refused
from gateway.demo.rules import responses as rules
from gateway.demo.rules import shared


@dataclass(frozen=True, slots=True)
class Earlier:
    """A response that another one continues: its id, and all items up to its end."""

    id: str
    items: Sequence[Json]


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
        keep_items(body, answer, context.account)
        stream = bool(body.get("stream"))
        await deliver(context.call, answer, stream=stream, barrier=self._barrier, pace=self._pace)

    def answer(self, body: Json, account: Account, earlier: Earlier | None = None) -> Answer:
        """Check a request, which may continue an earlier response, and answer it.

        Raises `Refused`.
        """
        name = shared.requested_model(body)
        rules.check_names(body)
        model = account.model_for(name, Endpoint.RESPONSES)
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
        """GET /v1/responses/{id}: none is stored."""
        raise Refused(404, f"Response with id '{context.path['response']}' not found.")

    def _ids(self) -> ReplyIds:
        return ReplyIds(next(self._numbers), self._created)


def keep_items(body: Json, answer: Answer, account: Account) -> None:
    """Keep the items of an answer, unless the request says that nothing is to be stored."""
    if body.get("store") is not False:
        account.items.keep(answer.whole()["output"])
