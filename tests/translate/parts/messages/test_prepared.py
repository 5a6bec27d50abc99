"""The calls of a conversation, whose ids a new call must not have."""

from gateway.translate.parts.messages.prepared import known_call_ids


def test_the_ids_of_calls_in_a_history() -> None:
    call = {"type": "tool_use", "id": "call_1", "name": "ls", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "call_1"}
    messages = [
        {"role": "user", "content": "call_0"},
        {"role": "assistant", "content": [{"type": "text", "text": "a"}, call]},
        {"role": "user", "content": [result]},
    ]
    assert known_call_ids({"messages": messages}) == {"call_1"}
    assert known_call_ids({}) == set()
