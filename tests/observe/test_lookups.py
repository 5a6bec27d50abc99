"""Look-ups that an upstream fails are noted, though no request fails by them."""

import asyncio
from collections.abc import Awaitable
from contextlib import suppress

import pytest

from gateway.errors import Reason, UpstreamReplied, UpstreamUnavailable
from gateway.exchange.decision import UpstreamFailure
from gateway.observe.lookups import reporting
from gateway.shapes import UpstreamCall, UpstreamReply
from tests.fakes import Answer, FakeUpstream, error_reply, json_reply

CALL = UpstreamCall("local", "GET", "/models")


def asked(answer: Answer) -> list[UpstreamFailure]:
    noted: list[UpstreamFailure] = []

    def answers(_: UpstreamCall) -> Answer:
        return answer

    send = reporting(FakeUpstream(answers).send, noted.append)
    asyncio.run(_ask(send(CALL)))
    return noted


async def _ask(asking: Awaitable[UpstreamReply]) -> None:
    with suppress(UpstreamUnavailable):
        await asking


def test_an_upstream_that_cannot_be_asked_is_noted() -> None:
    error = UpstreamUnavailable("refused it was", reason=Reason.REFUSED)
    assert asked(error) == [UpstreamFailure("local", Reason.REFUSED, 0, "refused it was")]


def test_a_status_of_500_and_more_is_noted() -> None:
    (noted,) = asked(error_reply(503, "no"))
    assert (noted.upstream, noted.reason, noted.status) == ("local", Reason.SERVER_ERROR, 503)


@pytest.mark.parametrize("status", [401, 403, 404, 405, 429])
def test_every_other_status_is_an_answer(status: int) -> None:
    assert asked(error_reply(status, "no")) == []
    assert asked(json_reply({"data": []})) == []


def test_the_error_is_still_raised() -> None:
    def answers(_: UpstreamCall) -> Answer:
        return UpstreamReplied("no")

    async def scenario() -> None:
        with pytest.raises(UpstreamReplied):
            await reporting(FakeUpstream(answers).send, lambda _: None)(CALL)

    asyncio.run(scenario())
