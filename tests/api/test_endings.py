"""How requests end that fail inside, and what a disconnect leaves of its task's cancellation."""

import asyncio
import errno

import pytest

from gateway.api.endings import client_error, ending_of, undo_cancellation
from gateway.errors import InvalidRequest
from gateway.exchange.decision import Decision
from gateway.observe.outcomes import FAILED_INSIDE, Outcome


def test_a_bug_is_logged_with_its_client_and_is_a_500_without_details(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bug = ZeroDivisionError("secret detail")
    assert ending_of(bug, Decision(client="team-a")) == FAILED_INSIDE
    assert "a request failed inside the gateway (client: team-a)" in caplog.text
    error = client_error(bug)
    assert (error.status, error.message) == (500, "The gateway itself failed.")


def test_an_error_for_the_client_is_neither_changed_nor_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    error = InvalidRequest("wrong", param="n")
    assert ending_of(error, Decision()).outcome is Outcome.CLIENT_ERROR
    assert client_error(error) is error
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
    error = client_error(failure)
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
