"""The parameters of messages requests that chat has in a form of its own."""

import pytest

from gateway.shapes import Json
from tests import kinds
from tests.translate.messages_prepared import context, prepared, refused
from tests.translate.messages_requests import asked, assistant, user

VLLM = context(kind=kinds.VLLM)
PREFILLED = (user("x"), assistant("{"))


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_the_limit_has_the_name_that_the_server_takes(name: str) -> None:
    sent = prepared(asked(), context(able={"max_tokens_field": name}))
    limits = {"max_tokens", "max_completion_tokens"} & sent.call.keys()
    assert limits == {name}
    assert sent.call[name] == 100


@pytest.mark.parametrize(
    ("parameters", "effort"),
    [
        ({}, None),
        ({"output_config": {"effort": "high"}}, "high"),
        ({"thinking": {"type": "disabled"}}, "none"),
        ({"thinking": {"type": "enabled", "budget_tokens": 2000}, "max_tokens": 3000}, "low"),
    ],
)
def test_the_effort_is_one_word(parameters: Json, effort: str | None) -> None:
    assert prepared(asked(**parameters)).call.get("reasoning_effort") == effort


def test_stop_sequences_are_looked_for_here_unless_the_server_names_what_it_finds() -> None:
    body = asked(stop_sequences=["a", "b", "a"])
    sent = prepared(body)
    assert "stop" not in sent.call
    assert sent.options.stop_sequences == ("a", "b")
    assert sent.report.emulated == ["stop_sequences"]
    sent = prepared(body, VLLM)
    assert sent.call["stop"] == ["a", "b"]
    assert sent.options.native_stops == ("a", "b")
    assert sent.report.emulated == []


def test_more_than_the_server_takes_are_looked_for_here() -> None:
    sent = prepared(asked(stop_sequences=["a", "b", "c", "d", "e"]), VLLM)
    assert "stop" not in sent.call
    assert len(sent.options.stop_sequences) == 5
    refuses = context(kind=kinds.VLLM, able={"stop": False})
    assert "stop" not in prepared(asked(stop_sequences=["a"]), refuses).call


def test_no_stop_sequences_are_nothing_to_look_for() -> None:
    assert prepared(asked(stop_sequences=[])).report.size == 0


def test_a_begun_reply_is_continued_where_the_server_can() -> None:
    sent = prepared(asked(*PREFILLED), VLLM)
    assert sent.call["continue_final_message"] is True
    assert sent.call["add_generation_prompt"] is False
    assert sent.call["messages"][-1] == {"role": "assistant", "content": "{"}


def test_elsewhere_it_is_refused_by_its_path_or_dropped() -> None:
    error = refused(asked(*PREFILLED))
    assert error.param == "messages[1]"
    assert "does not support assistant message prefill" in error.message
    sent = prepared(asked(*PREFILLED), context(settings={"on_unsupported": "drop"}))
    assert [each["role"] for each in sent.call["messages"]] == ["user"]
    assert sent.report.dropped == ["messages[1]"]


def test_of_several_last_messages_each_is_reported() -> None:
    drops = context(settings={"on_unsupported": "drop"})
    sent = prepared(asked(*PREFILLED, assistant("}")), drops)
    assert [each["role"] for each in sent.call["messages"]] == ["user"]
    assert sent.report.dropped == ["messages[1]", "messages[2]"]


def test_an_empty_last_message_of_the_assistant_begins_nothing() -> None:
    sent = prepared(asked(user("x"), assistant("")))
    assert len(sent.call["messages"]) == 1


def test_usage_is_asked_for_with_every_stream() -> None:
    assert prepared(asked(stream=True)).call["stream_options"] == {"include_usage": True}
    silent = context(able={"stream_usage": False})
    assert "stream_options" not in prepared(asked(stream=True), silent).call
    assert "stream_options" not in prepared(asked()).call
