from collections.abc import Sequence

import pytest

from gateway.errors import UpstreamError, UpstreamReplied
from gateway.shapes import Json
from gateway.translate.responses_via_chat.output.frame import ResponseFrame
from tests.translate.messages_upstreams import context
from tests.translate.responses_via_chat.client_stream import read, read_any


class Echo(ResponseFrame):
    """Says every event's text, and ends with a text that gives a reason."""

    def feed(self, call: int, event: Json) -> list[Json]:
        self._open()
        self._message().add_text(event["text"], ())
        self._queue.advance()
        return self._queue.sent()

    def end(self, call: int) -> list[Json]:
        self._complete(["content_filter", None][call])
        return self._queue.sent()


def said(*texts: str) -> tuple[Echo, list[Json]]:
    stream = Echo({"metadata": {"a": "b"}}, context())
    return stream, [each for text in texts for each in stream.feed(0, {"text": text})]


@pytest.mark.parametrize(("call", "status"), [(0, "incomplete"), (1, "completed")])
def test_a_response_begins_once_and_ends(call: int, status: str) -> None:
    stream, events = said("a", "b")
    response = read(events + stream.end(call))
    assert response["status"] == status
    assert response["metadata"] == {"a": "b"}
    assert response["output"][0]["content"][0]["text"] == "ab"
    assert stream.fail(UpstreamError("x")) == []


@pytest.mark.parametrize("texts", [(), ("a",)])
def test_a_response_that_fails_has_what_the_client_has_seen(texts: Sequence[str]) -> None:
    stream, events = said(*texts)
    response = read_any(events + stream.fail(UpstreamError("No more.")))
    assert response["status"] == "failed"
    assert response["error"] == {"code": "server_error", "message": "No more."}
    assert len(response["output"]) == len(texts)
    assert stream.fail(UpstreamError("No more.")) == []


@pytest.mark.parametrize(("code", "told"), [(None, "server_error"), ("busy", "busy")])
def test_an_error_has_a_code_in_its_event_and_in_the_failed_response(
    code: str | None, told: str
) -> None:
    stream, _ = said("a")
    reported, failed = stream.fail(UpstreamReplied("No more.", status=502, code=code))
    assert reported["code"] == reported["error"]["code"] == told
    assert failed["response"]["error"] == {"code": "server_error", "message": "No more."}
