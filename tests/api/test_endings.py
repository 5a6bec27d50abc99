"""How requests end that fail inside, and what a disconnect leaves of its task's cancellation."""

import asyncio
import errno

import pytest

from gateway.api.endings import ClientGone, client_error, ending_of, undo_cancellation, written
from gateway.asgi.writing import ASGIWriter
from gateway.errors import InvalidRequest
from gateway.exchange.client_reply import ClientReply
from gateway.exchange.decision import Decision
from gateway.observe.outcomes import FAILED_INSIDE, SUCCESS, Outcome
from tests.bodies import BodyOf


def test_a_bug_is_logged_with_its_client_and_is_a_500_without_details(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bug = ZeroDivisionError("secret detail")
    decision = Decision(client="team-a")
    decision.identified([(b"x-request-id", b"id-1")])
    assert ending_of(bug, decision) == FAILED_INSIDE
    assert "a request failed inside the gateway (client: team-a, request: id-1)" in caplog.text
    error = client_error(bug, decision)
    assert (error.status, error.type) == (500, "server_error")
    assert error.message == (
        "The gateway itself failed. Retry the request; if it fails again, tell the gateway's "
        "operator the id under which its log has the cause: id-1."
    )
    assert client_error(bug, Decision()).message.endswith("again, see the gateway's log.")


def test_an_error_for_the_client_is_neither_changed_nor_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    error = InvalidRequest("wrong", param="n")
    assert ending_of(error, Decision()).outcome is Outcome.CLIENT_ERROR
    assert client_error(error, Decision()) is error
    assert not caplog.records


@pytest.mark.parametrize(
    "failure",
    [
        OSError(errno.EMFILE, "Too many open files", "/srv/gateway/session.pyc"),
        ImportError("/srv/x.so: cannot open shared object file: Too many open files"),
    ],
)
def test_a_gateway_without_file_descriptors_is_not_a_bug(
    failure: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    error = client_error(failure, Decision())
    assert (error.status, error.code) == (503, "exhausted")
    assert error.headers == (("retry-after", "1"), ("connection", "close"))
    assert "Too many open files" in error.message
    assert "/srv" not in error.message
    ending = ending_of(failure, Decision())
    assert (ending.outcome, ending.reason) == (Outcome.INTERNAL_ERROR, "exhausted")
    assert not caplog.records


def test_outside_of_a_task_there_is_no_cancellation_to_forget() -> None:
    async def scenario() -> None:
        forgotten = asyncio.Event()

        def forget() -> None:
            undo_cancellation()
            forgotten.set()

        asyncio.get_running_loop().call_soon(forget)
        await forgotten.wait()

    asyncio.run(scenario())


def test_a_cancellation_is_undone_within_its_task() -> None:
    async def scenario() -> int:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            undo_cancellation()
        return task.cancelling()

    assert asyncio.run(scenario()) == 0


class _Left(ASGIWriter):
    """Its client has left, or the gateway stops, while the body is written."""

    def __init__(self, error: type[BaseException], *, gone: bool) -> None:
        async def send(_: object) -> None:
            """Send nothing."""

        super().__init__(send)
        self._error = error
        self._is_left = gone

    async def _write_body(self, body: object) -> None:
        self.gone = self._is_left
        raise self._error


class _Body(BodyOf):
    def __init__(self, *, complete: bool) -> None:
        super().__init__([b"a"])
        self._is_complete = complete

    @property
    def is_complete(self) -> bool:
        return self._is_complete


@pytest.mark.parametrize("error", [ClientGone, asyncio.CancelledError])
@pytest.mark.parametrize(
    ("gone", "complete"), [(True, True), (True, False), (False, True), (False, False)]
)
def test_who_leaves_after_the_last_event_has_had_the_reply(
    error: type[BaseException], *, gone: bool, complete: bool
) -> None:
    async def scenario() -> None:
        body = _Body(complete=complete)
        writing = written(ClientReply(200, [], body), _Left(error, gone=gone), Decision())
        if gone and complete:
            assert await writing == SUCCESS
        else:
            with pytest.raises(error):
                await writing
        assert body.released == 1

    asyncio.run(scenario())
