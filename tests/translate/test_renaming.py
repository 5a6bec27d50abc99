"""Equal shapes, another model name: nothing else changes."""

import pytest

from gateway.config.translation_settings import TranslationSettings
from gateway.errors import TruncatedStream, UpstreamError
from gateway.shapes import Json, Shape
from gateway.translate.contract import Context
from gateway.translate.renaming import Renaming
from tests.translate.sealing import OpenSeal

CONTEXT = Context("asked", "sent")


def test_the_request_goes_out_under_the_name_to_send_and_is_else_untouched() -> None:
    body: Json = {"model": "asked", "messages": [], "future": None}
    renaming = Renaming(Shape.CHAT, body, CONTEXT)
    assert renaming.calls == ({"model": "sent", "messages": [], "future": None},)
    assert body["model"] == "asked"
    assert renaming.local_reply() is None
    assert renaming.client_param(0, "messages[0]") == "messages[0]"


def test_an_item_that_has_moved_has_its_own_name() -> None:
    sealed = OpenSeal().close({"kind": "turn"})
    body = {"input": [{"type": "reasoning", "encrypted_content": sealed}, {"role": "user"}]}
    renaming = Renaming(Shape.RESPONSES, body, Context("m", "m", seal=OpenSeal()))
    assert renaming.calls[0]["input"] == [{"role": "user"}]
    assert renaming.client_param(0, "input[0].content") == "input[1].content"
    assert renaming.client_param(0, None) is None


def test_the_reply_comes_back_under_the_name_that_was_asked_for() -> None:
    renaming = Renaming(Shape.CHAT, {}, CONTEXT)
    assert renaming.reply([{"model": "sent-2024", "id": "x"}]) == {"model": "asked", "id": "x"}
    assert renaming.reply([{"id": "x"}]) == {"id": "x"}


@pytest.mark.parametrize("content", [None, "a", [1], [{"type": "tool_use", "input": "{"}]])
def test_a_message_is_not_looked_into(content: object) -> None:
    reply = {"model": "m", "content": content}
    assert Renaming(Shape.MESSAGES, {}, CONTEXT).reply([reply]) == {**reply, "model": "asked"}


def test_but_one_made_of_a_stream_whose_call_cannot_be_run_is_the_upstreams_fault() -> None:
    called = {"type": "tool_use", "name": "f", "input": {}, "partial_json": '{"a":'}
    reply: Json = {"content": [called], "stop_reason": "tool_use"}
    with pytest.raises(UpstreamError, match="not a JSON object"):
        Renaming(Shape.MESSAGES, {}, CONTEXT).reply([reply])


@pytest.mark.parametrize("reason", ["max_tokens", "model_context_window_exceeded", "refusal"])
def test_the_input_of_a_call_that_a_limit_has_cut_off_is_empty(reason: str) -> None:
    text = {"type": "text", "text": "A"}
    called: Json = {"type": "tool_use", "id": "c", "name": "f", "input": {}}
    cut = {**called, "partial_json": '{"a":'}
    reply: Json = {"content": [text, called, cut], "stop_reason": reason}
    renamed = Renaming(Shape.MESSAGES, {}, CONTEXT).reply([reply])
    assert renamed == {**reply, "content": [text, called, called]}


def test_or_under_the_upstreams_where_the_operator_says_so() -> None:
    context = Context("asked", "sent", TranslationSettings(echo_model="upstream"))
    assert Renaming(Shape.CHAT, {}, context).reply([{"model": "sent"}]) == {"model": "sent"}


def test_events_are_renamed_in_responses_within_the_response() -> None:
    stream = Renaming(Shape.RESPONSES, {}, CONTEXT).stream()
    event: Json = {"type": "response.created", "response": {"model": "sent", "id": "r"}}
    assert stream.feed(0, event) == [
        {"type": "response.created", "response": {"model": "asked", "id": "r"}}
    ]
    assert not stream.satisfied(0)


@pytest.mark.parametrize(
    "last",
    [
        {"choices": [{"finish_reason": "stop"}]},
        {"type": "response.completed"},
        {"type": "response.incomplete"},
        {"type": "error"},
        {"error": {"message": "no"}},
    ],
)
def test_a_stream_with_its_last_event_is_complete(last: Json) -> None:
    stream = Renaming(Shape.CHAT, {}, CONTEXT).stream()
    stream.feed(0, last)
    assert stream.end(0) == []


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"choices": None},
        {"choices": [{"finish_reason": None}, 5]},
        {"choices": [{"index": 0, "finish_reason": "stop"}, {"index": 1, "finish_reason": ""}]},
        {"error": None},
    ],
)
def test_a_stream_without_it_is_cut_off(event: Json) -> None:
    stream = Renaming(Shape.CHAT, {}, CONTEXT).stream()
    stream.feed(0, event)
    with pytest.raises(TruncatedStream, match="Retry the request"):
        stream.end(0)


def test_errors_have_the_form_of_the_shape() -> None:
    error = UpstreamError("gone", code="c")
    chat = Renaming(Shape.CHAT, {}, CONTEXT).stream().fail(error)
    assert chat == [error.envelope()]
    responses = Renaming(Shape.RESPONSES, {}, CONTEXT).stream().fail(error)
    assert responses[0]["type"] == "error"
    assert responses[0]["error"]["message"] == responses[0]["message"] == "gone"
    assert responses[0]["sequence_number"] == 0


def test_an_error_is_numbered_like_the_next_event() -> None:
    stream = Renaming(Shape.RESPONSES, {}, CONTEXT).stream()
    stream.feed(0, {"type": "response.created", "sequence_number": 3})
    assert stream.fail(UpstreamError("gone"))[0]["sequence_number"] == 4
