"""What a server has said of its reasoning goes back to it, in the next turn, under its own name."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from gateway.errors import UnsupportedParameter
from gateway.shapes import Json, Shape
from gateway.translate.capabilities import Capabilities
from gateway.translate.contract import Context
from gateway.translate.plan import plan
from tests.translate.responses_via_chat.chat_backend import (
    OPENAI,
    SELF_HOSTED,
    asking,
    chunk,
    completion,
    context,
    fragment,
    refused,
    replied,
    stream_of,
    tool_call,
)
from tests.translate.responses_via_chat.client_stream import read
from tests.translate.sealing import OpenSeal

ASKED = {"include": ["reasoning.encrypted_content"]}
USER: Json = {"role": "user", "content": "w?"}
READER = replace(SELF_HOSTED, reasoning_field="reasoning_content")
SIGNED: Json = {"extra_content": {"google": {"thought_signature": "CvcB"}}}


def sealing(able: Capabilities = READER, upstream: str = "up", **settings: Any) -> Context:
    seal = OpenSeal(keeps=settings.pop("keeps", False))
    return replace(context(able, **settings), seal=seal, upstream=upstream)


def whole(reply: Json, of: Context, **parameters: Any) -> list[Json]:
    output: list[Json] = replied(reply, of, **parameters)["output"]
    return output


def in_a_stream(events: Sequence[Json], of: Callable[[], Context], **more: Any) -> list[Json]:
    output: list[Json] = read(stream_of(events, of, **more))["output"]
    return output


def told_again(output: list[Json], of: Context) -> Any:
    """The assistant's message in the next turn, and what is reported of it."""
    given = [
        {"type": "function_call_output", "call_id": item["call_id"], "output": "sun"}
        for item in output
        if item.get("type") == "function_call"
    ]
    body = {"input": [USER, *output, *(given or [USER])]}
    translation = plan(Shape.RESPONSES, Shape.CHAT, body, of)
    return translation.calls[0]["messages"][1], translation.report


DETAILS = [{"type": "reasoning.text", "text": "hm", "signature": "s", "index": 0}]
BLOCKS = [{"type": "thinking", "thinking": "h", "signature": "s"}]
SAID: dict[str, Json] = {
    "reasoning_content": {"reasoning_content": "hm"},
    "reasoning": {"reasoning": "hm"},
    "details": {"reasoning": "hm", "reasoning_details": DETAILS},
    "thinking blocks": {
        "thinking_blocks": [{"type": "thinking", "thinking": "h", "signature": "s"}]
    },
    "a message's signature": SIGNED,
    "another's signature": {"thought_signature": "CvcB", "reasoning_content": "hm"},
    "LiteLLM": {"provider_specific_fields": {"thought_signatures": ["CvcB"]}},
    "Copilot": {"reasoning_text": "hm", "reasoning_opaque": "CvcB"},
    "a field of thinking": {"thinking": "hm"},
    "reasoning in parts": {"reasoning": [{"type": "text", "text": "hm"}]},
    "reasoning as an object": {"reasoning": {"content": "hm", "effort": "low"}},
    "a name of nobody's": {"reasoning_content": "hm", "encrypted_thoughts": {"v": 1}},
}


@pytest.mark.parametrize("able", [READER, replace(READER, reasoning_field="reasoning"), OPENAI])
@pytest.mark.parametrize("said", SAID.values(), ids=SAID)
@pytest.mark.parametrize("calls", [True, False])
def test_what_was_said_is_said_again(able: Capabilities, said: Json, *, calls: bool) -> None:
    called = {"tool_calls": [tool_call("f", "{}")]} if calls else {}
    reply = completion(None if calls else "a", "tool_calls" if calls else "stop", **said, **called)
    message, report = told_again(whole(reply, sealing(able), **ASKED), sealing(able))
    content = {"content": None if calls else "a"}
    assert message == {"role": "assistant", **content, **said, **called}
    assert report.dropped == []


@pytest.mark.parametrize("said", SAID.values(), ids=SAID)
def test_a_stream_says_the_same(said: Json) -> None:
    events = [
        chunk(**said),
        chunk(tool_calls=[fragment(0, "{", name="f", call_id="call_a")]),
        chunk(tool_calls=[fragment(0, "}")]),
        chunk(finish="tool_calls"),
    ]
    output = in_a_stream(events, sealing, **ASKED)
    assert [item["type"] for item in output] == ["reasoning", "function_call"]
    message, _ = told_again(output, sealing())
    called = {"tool_calls": [tool_call("f", "{}")]}
    assert message == {"role": "assistant", "content": None, **said, **called}


def test_what_only_the_server_can_read_is_sealed_unasked() -> None:
    for said in ("reasoning_content", "reasoning_details"):
        reply = completion("a", **SAID["details" if said == "reasoning_details" else said])
        thought = whole(reply, sealing())[0]
        assert ("encrypted_content" in thought) is (said == "reasoning_details")
    # The name that a server of this kind does not read from, too.
    thought = whole(completion("a", reasoning="hm"), sealing())[0]
    message, _ = told_again([thought, {"role": "assistant", "content": "a"}], sealing())
    assert message == {"role": "assistant", "content": "a", "reasoning": "hm"}


def test_without_a_seal_the_text_alone_goes_back() -> None:
    (thought, said) = whole(completion("a", **SAID["details"]), context(READER), **ASKED)
    assert "encrypted_content" not in thought
    message, _ = told_again([thought, said], context(READER))
    assert message == {"role": "assistant", "content": "a", "reasoning_content": "hm"}
    asked = asking(context(READER), **ASKED)
    assert asked.report.dropped == ["include[reasoning.encrypted_content]"]
    assert asking(sealing(), **ASKED).report.dropped == []


def test_clients_may_bring_back_the_sealed_content_alone() -> None:
    output = whole(completion("a", reasoning_content="hm"), sealing(), **ASKED)
    bare = {key: output[0][key] for key in ("type", "summary", "encrypted_content")}
    message, report = told_again([bare, output[1]], sealing())
    assert message["reasoning_content"] == "hm"
    assert report.dropped == []


def test_what_another_has_sealed_is_dropped_and_reported() -> None:
    sealed = OpenSeal("theirs").close(
        {"kind": "turn", "upstream": "up", "message": {}, "calls": {}}
    )
    text = [{"type": "reasoning_text", "text": "hm"}]
    for foreign in (sealed, "gAAAAB", ""):
        item = {"type": "reasoning", "summary": [], "encrypted_content": foreign}
        said = {"role": "assistant", "content": "a"}
        message, report = told_again([item, said], sealing())
        assert (message, report.dropped) == ({"role": "assistant", "content": "a"}, ["input[1]"])
        message, report = told_again([{**item, "content": text}, said], sealing())
        assert message["reasoning_content"] == "hm"
        assert report.dropped == (["input[1].encrypted_content"] if foreign else [])


def test_a_summary_that_was_sealed_is_no_reasoning() -> None:
    sealed = OpenSeal().close({"kind": "compaction", "text": "all"})
    item = {"type": "reasoning", "summary": [], "encrypted_content": sealed}
    message, report = told_again([item, {"role": "assistant", "content": "a"}], sealing())
    assert message == {"role": "assistant", "content": "a"}
    assert report.dropped == ["input[1]"]


def test_another_server_is_told_the_text_and_nothing_else() -> None:
    output = whole(completion("a", **SAID["details"]), sealing(), **ASKED)
    bare = {key: output[0][key] for key in ("type", "summary", "encrypted_content")}
    for thought in (output[0], bare):
        message, report = told_again([thought, output[1]], sealing(upstream="other"))
        assert message == {"role": "assistant", "content": "a", "reasoning_content": "hm"}
        assert report.dropped == ["input[1].encrypted_content"]
    message, report = told_again(output, sealing(OPENAI, "other"))
    assert message == {"role": "assistant", "content": "a"}
    assert report.dropped == ["input[1]"]


OF_A_CALL: list[Json] = [
    {"thought_signature": "x"},
    {"provider_specific_fields": {"thought_signature": "x"}},
    {"function": {"thought_signature": "x"}},
    {"function": {"provider_specific_fields": {"thought_signature": "x"}}},
]


@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize("signature", OF_A_CALL)
def test_signatures_belong_to_their_calls(signature: Json, *, streamed: bool) -> None:
    calls = [
        {**tool_call("f", "{}", "call_a"), **SIGNED},
        tool_call("f", "{}", "call_b"),
        tool_call("g", "{}", "call_c"),
    ]
    within = signature.get("function", {})
    calls[2] = {**calls[2], **signature, "function": {**calls[2]["function"], **within}}
    if streamed:
        pieces = [chunk(tool_calls=[{"index": k, **call}]) for k, call in enumerate(calls)]
        output = in_a_stream([*pieces, chunk(finish="tool_calls")], sealing)
    else:
        output = whole(completion(None, "tool_calls", tool_calls=calls), sealing())
    thoughts = [item for item in output if item["type"] == "reasoning"]
    assert [item["call_id"] for item in output if "call_id" in item] == [c["id"] for c in calls]
    assert all(item["content"] == item["summary"] == [] for item in thoughts)
    message, report = told_again(output, sealing())
    assert message["tool_calls"] == calls
    assert report.dropped == []


def test_the_text_in_any_form_of_reasoning_is_shown() -> None:
    for said in SAID.values():
        texts = [value for name, value in said.items() if name in ("reasoning", "thinking")]
        texts += [said[name] for name in ("reasoning_content", "reasoning_text") if name in said]
        output = whole(completion("a", **said), sealing())
        shown = [part["text"] for item in output for part in item["content"]]
        assert shown == (["hm", "a"] if texts else ["a"])


def test_another_server_is_told_the_text_of_any_form() -> None:
    for name in ("Copilot", "a field of thinking", "reasoning in parts", "reasoning as an object"):
        output = whole(completion("a", **SAID[name]), sealing(), **ASKED)
        bare = {key: output[0][key] for key in ("type", "summary", "encrypted_content")}
        message, _ = told_again([bare, output[1]], sealing(upstream="other"))
        assert message == {"role": "assistant", "content": "a", "reasoning_content": "hm"}


def test_what_is_none_of_it_makes_no_reasoning() -> None:
    nothing: list[Json] = [{"zzz": "z"}, {"thinking": ""}, {"reasoning": None}, {"reasoning": []}]
    for said in nothing:
        assert [item["type"] for item in whole(completion("a", **said), sealing())] == ["message"]
    message, _ = told_again(whole(completion("a", reasoning=5), sealing()), sealing())
    assert message == {"role": "assistant", "content": "a", "reasoning": 5}


def test_reasoning_in_parts_comes_in_pieces() -> None:
    parts = [{"type": "text", "text": text} for text in ("h", "m")]
    events = [*(chunk(reasoning=[part]) for part in parts), chunk("a"), chunk(finish="stop")]
    output = in_a_stream(events, sealing)
    assert output[0]["content"] == [{"type": "reasoning_text", "text": "hm"}]
    message, _ = told_again(output, sealing())
    assert message == {"role": "assistant", "content": "a", "reasoning": parts}


@pytest.mark.parametrize("streamed", [True, False])
def test_signatures_find_calls_to_which_a_server_gives_one_id(*, streamed: bool) -> None:
    calls = [
        {**tool_call("f", '{"a": 1}', "x"), "thought_signature": "one"},
        {**tool_call("g", '{"a": 2}', "x"), "thought_signature": "two"},
    ]
    pieces = [chunk(tool_calls=[{"index": 0, **call}]) for call in calls]
    if streamed:
        output = in_a_stream([*pieces, chunk(finish="tool_calls")], sealing)
    else:
        output = whole(completion(None, "tool_calls", tool_calls=calls), sealing())
    message, report = told_again(output, sealing())
    signatures = [call["thought_signature"] for call in message["tool_calls"]]
    assert signatures == ["one", "two"]
    first, second = (call["id"] for call in message["tool_calls"])
    assert first == "x"
    assert second not in ("x", "")
    assert report.dropped == []


def test_a_signature_belongs_to_the_first_of_two_calls_in_one_text() -> None:
    texts = '{"a": 1}{"a": 2}'
    piece = {**fragment(0, texts, name="f", call_id="x"), **SIGNED}
    events = [chunk(tool_calls=[piece]), chunk(finish="tool_calls")]
    message, _ = told_again(in_a_stream(events, sealing), sealing())
    first, second = message["tool_calls"]
    assert first == {**tool_call("f", '{"a": 1}', "x"), **SIGNED}
    assert second.keys() == {"id", "type", "function"}


def test_a_clients_own_thinking_is_not_taken_for_the_servers() -> None:
    said = {"type": "message", "role": "assistant", "content": "a", "thinking": {"budget": 1}}
    message, report = told_again([said], sealing(replace(READER, strict_params=False)))
    assert message == {"role": "assistant", "content": "a"}
    assert report.dropped == ["input[1].thinking"]


def test_a_signature_may_come_after_its_call_has_begun() -> None:
    events = [
        chunk("Let me see."),
        chunk(tool_calls=[fragment(0, "{", name="f", call_id="call_a")]),
        chunk(tool_calls=[{**fragment(0, "}"), "extra_content": {"google": {"a": 1}}}]),
        chunk(tool_calls=[{"index": 0, **SIGNED}]),
        chunk(reasoning_details=DETAILS),
        chunk(finish="tool_calls"),
    ]
    output = in_a_stream(events, sealing)
    assert [item["type"] for item in output] == ["message", "function_call", "reasoning"]
    message, _ = told_again(output, sealing())
    both = {"google": {"a": 1, "thought_signature": "CvcB"}}
    assert message == {
        "role": "assistant",
        "content": "Let me see.",
        "reasoning_details": DETAILS,
        "tool_calls": [{**tool_call("f", "{}"), "extra_content": both}],
    }


def test_what_comes_last_of_a_message_is_the_messages() -> None:
    events = [chunk("a"), chunk("", **SIGNED), chunk(finish="stop")]
    output = in_a_stream(events, sealing)
    assert [item["type"] for item in output] == ["message", "reasoning"]
    message, _ = told_again(output, sealing())
    assert message == {"role": "assistant", "content": "a", **SIGNED}


@pytest.mark.parametrize("able", [READER, replace(READER, assistants_in_a_row=True)])
@pytest.mark.parametrize("asked", [ASKED, {}], ids=["asked", "unasked"])
def test_what_a_server_mixes_is_one_message_again(able: Capabilities, asked: Json) -> None:
    """A stream whose items are many came of one message."""

    def of() -> Context:
        return sealing(able)

    pieces: list[Json] = [
        {"reasoning_content": "A"},
        {"content": "One, "},
        {"reasoning_content": "B"},
        {"content": "two"},
        {"reasoning_content": "C"},
        {"tool_calls": [fragment(0, "{}", name="f", call_id="call_a")]},
        {"reasoning_content": "D"},
    ]
    for end in range(2, len(pieces) + 1):
        message: Json = {"role": "assistant", "content": None}
        for name in ("content", "reasoning_content"):
            said = "".join(piece.get(name, "") for piece in pieces[:end])
            message |= {name: said} if said else {}
        if end > 5:
            message["tool_calls"] = [tool_call("f", "{}")]
        events = [*(chunk(**piece) for piece in pieces[:end]), chunk(finish="stop")]
        told, report = told_again(in_a_stream(events, of, **asked), of())
        assert (told, report.dropped) == (message, [])


def test_a_text_in_parts_goes_on_in_its_last_part() -> None:
    pieces: list[Json] = [{"content": "a"}, {"refusal": "no"}, {"content": "b"}]
    pieces += [{"reasoning_content": "hm"}, {"content": "c"}]
    events = [*(chunk(**piece) for piece in pieces), chunk(finish="stop")]
    message, _ = told_again(in_a_stream(events, lambda: sealing(OPENAI)), sealing(OPENAI))
    assert message == {
        "role": "assistant",
        "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "bc"}],
        "refusal": "no",
        "reasoning_content": "hm",
    }


def test_text_of_another_reply_does_not_go_on() -> None:
    events = [chunk("a"), chunk(reasoning_content="hm"), chunk(finish="stop")]
    output = in_a_stream(events, sealing)
    next_one: Json = {"role": "assistant", "content": "b"}
    for able, content in ((READER, "a\n\nb\n\nb"), (OPENAI, "a")):
        message, _ = told_again(
            [*output, {"role": "assistant", "content": ""}, next_one, next_one], sealing(able)
        )
        assert message["content"] == content


def test_calls_with_the_same_id_in_two_turns_keep_their_own() -> None:
    """Gemini's calls have the same ids in every turn."""
    turns: list[Json] = [USER]
    for signature in ("one", "", "two"):
        signed = {"thought_signature": signature} if signature else {}
        call = {**tool_call("f", "{}", "function-call-1"), **signed}
        output = whole(completion(None, "tool_calls", tool_calls=[call]), sealing(), **ASKED)
        given = {"type": "function_call_output", "call_id": "function-call-1", "output": "sun"}
        turns += [*output, given]
    translation = plan(Shape.RESPONSES, Shape.CHAT, {"input": turns}, sealing())
    messages = translation.calls[0]["messages"]
    signatures = [
        m["tool_calls"][0].get("thought_signature") for m in messages if "tool_calls" in m
    ]
    assert signatures == ["one", None, "two"]


def test_a_signature_without_its_call_is_reported() -> None:
    call = {**tool_call("f", "{}"), **SIGNED}
    output = whole(completion("a", "tool_calls", tool_calls=[call]), sealing())
    message, report = told_again(output[:2], sealing())
    assert message == {"role": "assistant", "content": "a"}
    assert report.dropped == ["input[1]"]


def test_reasoning_that_nothing_follows_is_reported() -> None:
    thought = whole(completion("a", reasoning_content="hm"), sealing())[0]
    translation = plan(Shape.RESPONSES, Shape.CHAT, {"input": [thought, USER]}, sealing())
    assert translation.report.dropped == ["input[0]"]


def test_an_upstreams_long_call_id_comes_back_to_it() -> None:
    """LiteLLM keeps Gemini's signatures in the ids of calls."""
    long_id = "call_1__thought__" + "x" * 100
    calls = [tool_call("f", "{}", long_id)]
    output = whole(completion(None, "tool_calls", tool_calls=calls), sealing())
    assert len(output[1]["call_id"]) <= 64
    body = {"input": [*output, {**USER}]}
    body["input"][-1] = {
        "type": "function_call_output",
        "call_id": output[1]["call_id"],
        "output": "sun",
    }
    sent = plan(Shape.RESPONSES, Shape.CHAT, body, sealing()).calls[0]["messages"]
    assert sent[0]["tool_calls"][0]["id"] == sent[1]["tool_call_id"] == long_id


def test_pieces_of_details_are_joined() -> None:
    def detail(**more: Any) -> Json:
        return chunk(reasoning_details=[{"type": "reasoning.text", "index": 0, **more}])

    events = [
        detail(text="I ", format="f"),
        detail(text="see", signature=None),
        detail(text="", signature="s"),
        detail(text="New"),
        chunk(reasoning_details=[{"type": "reasoning.encrypted", "data": "d", "index": 1}]),
        chunk(reasoning_details=[{"type": "reasoning.encrypted", "data": "e", "index": 1}, "odd"]),
        chunk("a", "stop"),
    ]
    message, _ = told_again(in_a_stream(events, sealing), sealing())
    text = {"type": "reasoning.text", "index": 0}
    assert message["reasoning_details"] == [
        {**text, "text": "I see", "format": "f", "signature": "s"},
        {**text, "text": "New"},
        {"type": "reasoning.encrypted", "data": "d", "index": 1},
        {"type": "reasoning.encrypted", "data": "e", "index": 1},
        "odd",
    ]


@pytest.mark.parametrize("text", [None, 7])
def test_details_that_are_no_text_stay_apart(text: object) -> None:
    piece = {"type": "reasoning.text", "text": text}
    events = [
        chunk(reasoning_details=[piece]),
        chunk(reasoning_details=[piece]),
        chunk("a", "stop"),
    ]
    message, _ = told_again(in_a_stream(events, sealing), sealing())
    whole_text = [{"type": "reasoning.text", "text": ""}] if text is None else [piece, piece]
    assert message["reasoning_details"] == whole_text


def test_geminis_mark_of_a_thought_is_not_a_messages() -> None:
    marked = {"google": {"thought": True}}
    signed = {"google": {"thought": True, "thought_signature": "s"}}
    events = [chunk("a", extra_content=marked), chunk("b", "stop", extra_content=signed)]
    message, _ = told_again(in_a_stream(events, sealing), sealing())
    assert message == {
        "role": "assistant",
        "content": "ab",
        "extra_content": {"google": {"thought_signature": "s"}},
    }


def test_mistrals_thinking_goes_back_as_a_part() -> None:
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}
    text = {"type": "text", "text": "a"}
    output = whole(completion([thinking, text]), sealing(OPENAI))
    message, _ = told_again(output, sealing(OPENAI))
    assert message == {"role": "assistant", "content": [thinking, text]}
    called = completion([thinking], "tool_calls", tool_calls=[tool_call("f", "{}")])
    message, _ = told_again(whole(called, sealing(OPENAI)), sealing(OPENAI))
    assert message["content"] == [thinking]


@pytest.mark.parametrize("both", ["reasoning", "reasoning_content"])
def test_of_two_names_the_one_that_is_read_goes_back(both: Any) -> None:
    able = replace(READER, reasoning_field=both)
    reply = completion("a", reasoning="hm", reasoning_content="hm")
    message, _ = told_again(whole(reply, sealing(able), **ASKED), sealing(able))
    assert message == {"role": "assistant", "content": "a", both: "hm"}


def test_hidden_reasoning_is_carried_where_it_is_asked_for_or_kept() -> None:
    def of(**more: Any) -> Context:
        return sealing(reasoning_item="drop", **more)

    reply = completion("a", reasoning_content="hm")
    assert [item["type"] for item in whole(reply, of())] == ["message"]
    assert [item["type"] for item in whole(reply, of(keeps=True), store=False)] == ["message"]
    for output in (whole(reply, of(), **ASKED), whole(reply, of(keeps=True))):
        assert output[0]["content"] == output[0]["summary"] == []
        message, _ = told_again(output, of())
        assert message["reasoning_content"] == "hm"
    events = [chunk(reasoning_content="h"), chunk(reasoning_content="m"), chunk("a", "stop")]
    message, _ = told_again(in_a_stream(events, of, **ASKED), of())
    assert message["reasoning_content"] == "hm"


def test_a_summary_carries_what_it_sums_up() -> None:
    shown = {**ASKED, "reasoning": {"summary": "auto"}}
    output = whole(completion("a", reasoning="hm"), sealing(), **shown)
    assert output[0]["summary"] == [{"type": "summary_text", "text": "hm"}]
    message, _ = told_again(output, sealing())
    assert message["reasoning"] == "hm"


def test_where_it_is_demanded_an_absent_reasoning_is_empty() -> None:
    strict = sealing(replace(READER, reasoning_required=True))
    plain, report = told_again([{"role": "assistant", "content": "a"}], strict)
    assert plain == {"role": "assistant", "content": "a"}
    assert report.changed == []
    for said in ({}, {"reasoning": "hm"}):
        reply = completion(None, "tool_calls", tool_calls=[tool_call("f", "{}")], **said)
        message, report = told_again(whole(reply, strict, **ASKED), strict)
        assert message.get("reasoning_content") == (None if said else "")
        assert report.changed == ([] if said else ["reasoning_content:none->empty"])


def test_a_prompt_has_no_place_for_any_of_it() -> None:
    able = replace(SELF_HOSTED, tools=False)
    output = whole(completion("a", **SAID["details"]), sealing(), **ASKED)
    body = {"input": [USER, *output, USER]}
    translation = plan(Shape.RESPONSES, Shape.COMPLETIONS, body, sealing(able))
    assert "hm" not in translation.calls[0]["prompt"]
    assert "input[1]" in translation.report.dropped


def test_the_next_turn_begins_with_the_bytes_of_this_one() -> None:
    turns: list[Json] = [USER]
    before: list[Json] = []
    for number in range(3):
        call = {**tool_call("f", "{}", f"call_{number}"), **SIGNED}
        reply = completion("so", "tool_calls", tool_calls=[call], **SAID["details"])
        turns += whole(reply, sealing(), **ASKED)
        turns.append({"type": "function_call_output", "call_id": f"call_{number}", "output": "sun"})
        sent = plan(Shape.RESPONSES, Shape.CHAT, {"input": turns}, sealing()).calls[0]["messages"]
        assert sent[: len(before)] == before
        assert [list(message) for message in sent[: len(before)]] == [list(m) for m in before]
        before = sent


@pytest.mark.parametrize("target", [Shape.CHAT, Shape.COMPLETIONS])
@pytest.mark.parametrize(
    ("sealed", "why"),
    [
        ({"encrypted_content": "gAAAAABopenai"}, "only the service that made it"),
        ({}, "only the service that made it"),
        ({"encrypted_content": "other: {}"}, "under another secret"),
    ],
)
def test_a_compaction_that_cannot_be_read_is_refused_with_the_remedy(
    sealed: Json, why: str, target: Shape
) -> None:
    body = {"input": [{"type": "compaction", "id": "cmp_1", **sealed}, USER]}
    with pytest.raises(UnsupportedParameter) as raised:
        plan(Shape.RESPONSES, target, body, sealing())
    assert (raised.value.param, raised.value.status) == ("input[0]", 400)
    assert "it is a compaction of earlier messages" in raised.value.message
    assert why in raised.value.message
    assert "send those messages, or a summary of them" in raised.value.message
    lenient = plan(Shape.RESPONSES, target, body, sealing(on_unsupported="drop"))
    assert "input[0]" in lenient.report.dropped


def test_a_compaction_needs_a_seal() -> None:
    error = refused(context(READER), input=[USER, {"type": "compaction_trigger"}])
    assert error.param == "input[1]"
