"""One request that is served: what is counted while it is, and what is recorded at its end."""

import asyncio
import logging
from collections.abc import Awaitable
from typing import cast

import pytest

from gateway.api.admission import Admission, refusal
from gateway.api.endings import ClientGone
from gateway.api.serving import Serving
from gateway.errors import GatewayError, InvalidRequest, UnknownRoute
from gateway.exchange.client_reply import ClientReply, json_reply
from gateway.observe.observer import Observer
from gateway.server.connection.writer import WireWriter
from tests.api.client import Recorder
from tests.server.connection.test_writer import POST, FakeListener, FakeWire

pytestmark = pytest.mark.anyio

ADMITTED = refusal(UnknownRoute("no"))
ADMITTED.error = None


class Stage:
    """A request, its client's connection, and what is recorded of it."""

    def __init__(self, admission: Admission = ADMITTED) -> None:
        self.recorder = Recorder()
        self.wire = FakeWire()
        self.writer = WireWriter(self.wire, FakeListener(), POST)
        self.serving = Serving(cast("Observer", self.recorder), admission, self.writer)

    async def by(self, answer: ClientReply | BaseException) -> tuple[int, str]:
        """Serve it by this answer; return what is recorded: status and outcome."""
        in_flight = []

        async def replied() -> ClientReply:
            in_flight.append(self.recorder.in_flight["other"])
            if isinstance(answer, BaseException):
                raise answer
            return answer

        try:
            await self.serving.end_with(replied)
        finally:
            self.wire.outbox.flush()
            assert in_flight == [1]
            assert self.recorder.in_flight["other"] == 0
        (seen,) = self.recorder.seen
        assert seen.decision is self.serving.decision is self.writer.decision
        return seen.status, seen.outcome


async def test_a_reply_is_written_and_recorded() -> None:
    stage = Stage()
    assert await stage.by(json_reply(b"{}")) == (200, "success")
    assert stage.wire.written.startswith(b"HTTP/1.1 200 OK\r\n")
    assert stage.serving.decision.first_byte is not None


@pytest.mark.parametrize(
    ("error", "status", "outcome"),
    [
        (InvalidRequest("no"), 400, "client_error"),
        (GatewayError("no", status=502), 502, "internal_error"),
        (ZeroDivisionError(), 500, "internal_error"),
    ],
)
async def test_an_error_is_the_clients_reply(
    error: Exception, status: int, outcome: str, caplog: pytest.LogCaptureFixture
) -> None:
    stage = Stage()
    with caplog.at_level(logging.CRITICAL, "gateway"):
        assert await stage.by(error) == (status, outcome)
    assert stage.wire.written.startswith(b"HTTP/1.1 %d " % status)


async def test_a_refusal_is_recorded_as_one_though_its_reply_is_whole() -> None:
    stage = Stage(refusal(UnknownRoute("no")))
    assert await stage.by(json_reply(b"{}", 404)) == (404, "client_error")


async def test_a_client_that_has_gone_gets_nothing() -> None:
    stage = Stage()
    stage.writer.gone = True
    assert await stage.by(ClientGone()) == (0, "client_closed")
    assert stage.wire.written == b""


@pytest.mark.parametrize("gone", [True, False])
async def test_a_cancellation_is_the_clients_or_the_gateways(gone: bool) -> None:
    stage = Stage()
    begun = asyncio.Event()

    async def never() -> ClientReply:
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError

    async def served() -> bool:
        await stage.serving.end_with(never)
        return True

    task = asyncio.create_task(served())
    await begun.wait()
    stage.writer.gone = gone
    task.cancel()
    if gone:
        assert await task
    else:
        with pytest.raises(asyncio.CancelledError):
            await task
    (seen,) = stage.recorder.seen
    shown = (0, "client_closed") if gone else (503, "shutting_down")  # which the connection writes
    assert (seen.status, seen.outcome) == shown


async def test_a_reply_that_cannot_be_written_is_broken() -> None:
    stage = Stage()
    reply = ClientReply(200, [(b"x-odd", b"\x01")], b"{}")
    assert (await stage.by(reply))[1] == "internal_error"
    assert stage.wire.written == b""


async def test_a_bug_in_writing_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    def bug(*_: object) -> Awaitable[None]:
        raise ZeroDivisionError

    stage = Stage()
    monkeypatch.setattr(WireWriter, "write_at_once", bug)
    with pytest.raises(ZeroDivisionError):
        await stage.by(json_reply(b"{}"))
    (seen,) = stage.recorder.seen
    assert seen.outcome == "internal_error"
