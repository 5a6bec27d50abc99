"""The log: one line an event, for people or for machines."""

import json
import logging
from collections.abc import Iterator

import pytest

from gateway.config.operator_settings import LogSettings
from gateway.errors import Reason
from gateway.exchange.decision import UpstreamFailure
from gateway.lifecycle.logs import log_to_stderr
from gateway.observe.failure_log import FailureLog


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def test_a_line_of_text_has_time_level_and_message(capsys: pytest.CaptureFixture[str]) -> None:
    log_to_stderr(LogSettings())
    logging.getLogger("gateway").info("hello %s", "there")
    logging.getLogger("gateway").debug("unheard")
    line = capsys.readouterr().err
    assert line.endswith(" INFO gateway hello there\n")
    assert line.count("\n") == 1


def test_a_line_of_json_holds_whatever_the_message_holds(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log_to_stderr(LogSettings(level="debug", format="json"))
    logging.getLogger("gateway").debug("a\n\x1b[31mb")
    entry = json.loads(capsys.readouterr().err)
    assert (entry["level"], entry["logger"]) == ("debug", "gateway")
    assert entry["message"] == "a\n\x1b[31mb"
    assert entry["time"].endswith("+00:00")


def test_the_fields_of_a_record_are_members_of_its_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log_to_stderr(LogSettings(format="json"))
    FailureLog(lambda: 0.0).upstream_failed(UpstreamFailure("local", Reason.DNS, message="m"))
    entry = json.loads(capsys.readouterr().err)
    assert (entry["upstream"], entry["reason"]) == ("local", "dns")
    assert entry["message"] == "upstream local: dns: m"


def test_libraries_that_tell_all_are_heard_from_their_warnings_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    log_to_stderr(LogSettings(level="debug"))
    for name in ("httpcore2.http11", "redis.asyncio.connection"):
        logging.getLogger(name).info("GET /?key=sk-1")
        assert capsys.readouterr().err == ""
        logging.getLogger(name).warning("heard")
        assert "heard" in capsys.readouterr().err


def test_a_malformed_request_leaves_no_line(capsys: pytest.CaptureFixture[str]) -> None:
    log_to_stderr(LogSettings(level="debug"))
    logging.getLogger("uvicorn.error").warning("Invalid HTTP request received.")
    assert capsys.readouterr().err == ""
    logging.getLogger("uvicorn.error").error("Exception in ASGI application")
    assert "Exception in ASGI" in capsys.readouterr().err


def test_an_exception_is_part_of_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    log_to_stderr(LogSettings(format="json"))
    try:
        int("x")
    except ValueError:
        logging.getLogger("gateway").exception("it failed")
    entry = json.loads(capsys.readouterr().err)
    assert "ValueError" in entry["exception"]
