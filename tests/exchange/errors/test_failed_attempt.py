"""What a failed attempt means, and what its client gets of it."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import pytest

from gateway.config.secret import Secret
from gateway.config.settings import CredentialPolicy, UpstreamSettings
from gateway.errors import InvalidRequest, UpstreamError
from gateway.exchange.attempt import Attempt
from gateway.exchange.bodies.apart import LARGE_BYTES, Apart
from gateway.exchange.client_reply import ClientReply
from gateway.exchange.errors.failed_attempt import (
    check_unread_error,
    judge,
    judge_apart,
    reply_or_failure,
)
from gateway.exchange.reply.classify import ErrorReply
from gateway.exchange.reply.reading import MAX_ERROR_BYTES
from gateway.exchange.reply.untouched import passed_on
from gateway.request import GenerationRequest
from gateway.resolve.evidence import Route, Source
from gateway.resolve.refusals.classify import Verdict
from gateway.shapes import ItemNames, Shape, UpstreamCall
from tests import kinds
from tests.exchange.test_attempt import CALL
from tests.fakes import EVENT_STREAM, FakeReply
from tests.faults.payloads import dumped

_Result = TypeVar("_Result")

ROUTE = Route("openai", "m", "m", kinds.OPENAI, Shape.CHAT, (Shape.CHAT,), Source.CATALOGUE)
KEYED = UpstreamSettings(
    "openai", "https://x/v1", kinds.OPENAI, CredentialPolicy.KEY, Secret("sk-own")
)
OWN = GenerationRequest.at(Shape.RESPONSES, b'{"model": "m", "input": [{}, {}]}')
UNKNOWN = dumped({"error": {"message": "no such model", "code": "model_not_found"}})
WRONG_KEY = dumped({"error": {"message": "no", "code": "invalid_api_key"}})
FAULTY = dumped({"error": {"message": "Bad item 'input[1]'.", "param": "input[1]"}})


def attempt(call: GenerationRequest = CALL, items: ItemNames | None = None) -> Attempt:
    sent = UpstreamCall("openai", "POST", call.shape.path, call.body)
    return Attempt(call.shape, [sent], items=items)


def test_a_refusal_is_understood_as_far_as_it_is_whole() -> None:
    failure = ErrorReply(0, 404, (), UNKNOWN)
    assert judge(ROUTE, attempt(), failure).verdict is Verdict.MODEL_NOT_FOUND
    assert judge(ROUTE, attempt(), replace(failure, partial=True)).verdict is Verdict.OTHER


class NotingApart(Apart):
    """Counts the pieces of work that are done apart."""

    def __init__(self) -> None:
        super().__init__()
        self.done = 0

    async def run(self, work: Callable[[], _Result]) -> _Result:
        self.done += 1
        return await super().run(work)


@pytest.mark.parametrize("size", [10, LARGE_BYTES])
def test_a_large_request_is_looked_into_apart_to_judge_its_failure(size: int) -> None:
    body = b'{"model": "m", "user": "%b", "metadata": {"a": "b"}}' % (b"x" * size)
    call = GenerationRequest.at(Shape.CHAT, body)
    failure = ErrorReply(0, 400, (), dumped({"error": {"message": "Unknown parameter: 'user'."}}))

    async def scenario() -> int:
        apart = NotingApart()
        refused = await judge_apart(apart, ROUTE, call, attempt(call), failure)
        assert [fix.name for fix in refused.refusal.fixes] == ["user"]
        return apart.done

    assert asyncio.run(scenario()) == (size == LARGE_BYTES)


def test_a_failure_that_is_none_of_a_stream_stays_as_it_is() -> None:
    failure = ErrorReply(0, 404, (), UNKNOWN)
    assert asyncio.run(reply_or_failure(KEYED, ROUTE, CALL, attempt(), failure)) is failure


def test_an_item_has_the_clients_name_in_the_error() -> None:
    failure = ErrorReply(0, 400, (), FAULTY)
    moved = attempt(OWN, ItemNames(["previous_response_id", 0]))
    with pytest.raises(UpstreamError) as raised:
        asyncio.run(reply_or_failure(KEYED, ROUTE, OWN, moved, failure))
    assert raised.value.param == "input[0]"
    still = attempt(OWN, ItemNames([0, 1]))
    assert asyncio.run(reply_or_failure(KEYED, ROUTE, OWN, still, failure)) is failure


def test_the_error_of_a_stream_is_the_clients_unless_it_is_a_refusal() -> None:
    reply, error = ClientReply(200, [], b"data: {}"), InvalidRequest("no")
    other = ErrorReply(0, 200, (), b'{"error": {"message": "overloaded"}}')
    assert (
        asyncio.run(
            reply_or_failure(KEYED, ROUTE, CALL, attempt(), replace(other, for_client=reply))
        )
        is reply
    )
    with pytest.raises(InvalidRequest):
        asyncio.run(
            reply_or_failure(KEYED, ROUTE, CALL, attempt(), replace(other, for_client=error))
        )
    refusal = replace(other, body=UNKNOWN, for_client=reply)
    assert asyncio.run(reply_or_failure(KEYED, ROUTE, CALL, attempt(), refusal)) is refusal
    wrong_key = replace(other, body=WRONG_KEY, for_client=reply)
    assert asyncio.run(reply_or_failure(KEYED, ROUTE, CALL, attempt(), wrong_key)) is wrong_key
    caller = replace(KEYED, credential=CredentialPolicy.CALLER)
    assert asyncio.run(reply_or_failure(caller, ROUTE, CALL, attempt(), wrong_key)) is reply


@pytest.mark.parametrize("size", [100, 2 * MAX_ERROR_BYTES])
def test_a_stream_that_was_refused_is_read_out_and_closed(size: int) -> None:
    piece = b"data: %b\n\n" % (b"x" * size)
    stream = FakeReply(200, EVENT_STREAM, (piece, piece))

    async def scenario() -> ErrorReply | ClientReply:
        shown = passed_on(stream, Shape.CHAT)
        failure = ErrorReply(0, 200, (), UNKNOWN, for_client=shown)
        return await reply_or_failure(KEYED, ROUTE, CALL, attempt(), failure)

    failure = asyncio.run(scenario())
    assert isinstance(failure, ErrorReply)
    assert isinstance(failure.for_client, ClientReply)
    assert isinstance(failure.for_client.body, bytes)
    assert failure.for_client.body.startswith(piece)
    assert stream.closed


def test_a_stream_is_closed_where_its_error_has_other_names_for_items() -> None:
    stream = FakeReply(200, EVENT_STREAM, (b"data: {}\n\n",))
    moved = attempt(OWN, ItemNames([1, 0]))

    async def scenario() -> None:
        shown = passed_on(stream, Shape.RESPONSES)
        await reply_or_failure(
            KEYED, ROUTE, OWN, moved, ErrorReply(0, 200, (), FAULTY, for_client=shown)
        )

    with pytest.raises(UpstreamError):
        asyncio.run(scenario())
    assert stream.closed


@pytest.mark.parametrize("status", [401, 403])
def test_an_unread_error_that_refuses_the_gateways_own_key_is_not_shown(status: int) -> None:
    upstreams = FakeReply(status, (), (b"<html>",))
    with pytest.raises(UpstreamError) as raised:
        asyncio.run(check_unread_error(KEYED, passed_on(upstreams, Shape.CHAT)))
    assert raised.value.code == "upstream_auth_error"
    assert upstreams.closed
    with pytest.raises(UpstreamError):
        asyncio.run(check_unread_error(KEYED, ClientReply(status, [], b"<html>")))


def test_other_replies_and_callers_keys_are_left_alone() -> None:
    caller = replace(KEYED, credential=CredentialPolicy.CALLER)
    for upstream, status in ((KEYED, 200), (KEYED, 500), (caller, 401)):
        upstreams = FakeReply(status, (), (b"<html>",))
        asyncio.run(check_unread_error(upstream, passed_on(upstreams, Shape.CHAT)))
        assert not upstreams.closed
