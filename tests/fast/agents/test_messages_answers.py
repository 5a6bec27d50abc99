"""What folds read of an agent's request."""

from gateway.fast.agents.messages_answers import AnsweredRequest, has_stops
from gateway.translate.parts.messages.asked import MessagesAsked
from gateway.translate.parts.messages.prepared import known_call_ids


def test_a_fold_finds_the_calls_of_the_conversation_and_the_limit() -> None:
    request = AnsweredRequest(MessagesAsked(), 9, ["a", "b"], lambda _, param: param)
    assert known_call_ids(request.client) == {"a", "b"}
    assert request.calls == ({"max_output_tokens": 9},)
    assert request.client_param(0, "x") == "x"


def test_stop_sequences_end_a_reply_whoever_looks_for_them() -> None:
    assert not has_stops(MessagesAsked())
    assert has_stops(MessagesAsked(stop_sequences=("x",)))
    assert has_stops(MessagesAsked(native_stops=("x",)))
