"""Edits become chat requests, and chat replies edits."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InvalidRequest, UpstreamError, UpstreamReplied
from gateway.translate.contract import Context
from gateway.translate.legacy import edits
from gateway.translate.legacy.edits import Edit
from tests.exchange.scene import chat_completion
from tests.translate.legacy.schemas import check_legacy, properties
from tests.translate.legacy.upstream_json import ANY_JSON, almost
from tests.translate.openai_schema import check_schema

CONTEXT = Context("editor", "gpt-x", new_id=lambda: "0123456789abcdef" * 2, now=1_700_000_000)
MARKER = "<<<01234567>>>"
ASKED = {"model": "editor", "input": "What day of the wek is it?", "instruction": "Fix it"}


def asked(context: Context = CONTEXT, **parameters: Any) -> tuple[dict[str, Any], Edit]:
    return edits.request_to_chat({**ASKED, **parameters}, context)


def answered(*texts: str, n: int = 1, **reply: Any) -> dict[str, Any]:
    _, edit = asked(n=n)
    message = {"role": "assistant"}
    choices = [
        {"index": i, "message": {**message, "content": text}, "finish_reason": "stop"}
        for i, text in enumerate(texts)
    ]
    whole = chat_completion(choices=choices, **reply)
    found = edits.choices_from_chat(whole, edit)
    return edits.reply_from_chat(found, [whole], edit, CONTEXT)


def edited(text: str, source: str = "x", instruction: str = "y") -> str:
    return edits.edited_text(text, Edit(source, instruction, 1, MARKER))


def test_the_table_has_the_parameters_of_openais_schema() -> None:
    assert set(edits.TABLE) == properties("CreateEditRequest")


def test_an_edit_is_asked_for_between_markers_that_the_input_cannot_know() -> None:
    chat, edit = asked(temperature=0.5, top_p=0.25, n=3)
    assert chat["model"] == "gpt-x"
    assert (chat["temperature"], chat["top_p"], chat["n"]) == (0.5, 0.25, 3)
    system, user = chat["messages"]
    assert system["role"] == "system"
    assert user["content"] == (
        "Instruction: Fix it\n\nInput (between the two marker lines):\n"
        f"{MARKER}\nWhat day of the wek is it?\n{MARKER}"
    )
    assert edit == Edit("What day of the wek is it?", "Fix it", 3, MARKER)


@pytest.mark.parametrize("source", [{"input": ""}, {"input": None}, {}])
def test_without_input_there_is_no_input_block(source: dict[str, Any]) -> None:
    body = {"model": "editor", "instruction": "Write a haiku", **source}
    chat, _ = edits.request_to_chat(body, CONTEXT)
    assert chat["messages"][1]["content"] == "Instruction: Write a haiku"
    assert set(chat) == {"model", "messages"}


def test_neutral_values_and_the_librarys_own_are_not_sent() -> None:
    chat, _ = asked(n=1, temperature=None, stream=False, timeout=20)
    assert set(chat) == {"model", "messages"}


def test_a_models_reasoning_effort_is_sent() -> None:
    context = Context("editor", "gpt-x", reasoning_effort="low")
    assert asked(context)[0]["reasoning_effort"] == "low"


def test_the_clients_body_is_not_changed() -> None:
    body = {**ASKED, "n": 2, "input": None}
    before = dict(body)
    edits.request_to_chat(body, CONTEXT)
    assert body == before


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        ({"model": None}, "model", "missing_required_parameter"),
        ({"instruction": None}, "instruction", "missing_required_parameter"),
        ({"model": 5}, "model", "invalid_type"),
        ({"instruction": ["Fix"]}, "instruction", "invalid_type"),
        ({"input": 5}, "input", "invalid_type"),
        ({"n": 0}, "n", "integer_below_min_value"),
        ({"n": 21}, "n", "integer_above_max_value"),
        ({"n": True}, "n", "invalid_type"),
        ({"temperature": 2.1}, "temperature", "decimal_above_max_value"),
        ({"top_p": 1.1}, "top_p", "decimal_above_max_value"),
        ({"top_p": float("nan")}, "top_p", "invalid_value"),
        ({"stream": True}, "stream", "unknown_parameter"),
        ({"max_tokens": 5}, "max_tokens", "unknown_parameter"),
        ({"stop": "\n"}, "stop", "unknown_parameter"),
        ({"logprobs": 1}, "logprobs", "unknown_parameter"),
    ],
)
def test_a_wrong_request_names_the_clients_parameter(
    body: dict[str, Any], param: str, code: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        asked(**body)
    assert (caught.value.param, caught.value.code) == (param, code)


@given(
    st.fixed_dictionaries(
        {"model": st.text(min_size=1), "instruction": st.text()},
        optional={
            "input": st.none() | st.text(),
            "n": st.none() | st.integers(1, 20),
            "temperature": st.none() | st.floats(0, 2),
            "top_p": st.none() | st.floats(0, 1),
        },
    )
)
def test_what_the_old_schema_allows_becomes_what_chats_schema_allows(body: dict[str, Any]) -> None:
    check_legacy("CreateEditRequest", body)
    chat, edit = edits.request_to_chat(body, CONTEXT)
    check_schema("CreateChatCompletionRequest", chat)
    assert edit.instruction in chat["messages"][1]["content"]
    assert edit.input in chat["messages"][1]["content"]


@given(almost(*edits.TABLE, "stream", "timeout"))
def test_any_body_is_translated_or_refused(body: dict[str, Any]) -> None:
    try:
        chat, _ = edits.request_to_chat(body, CONTEXT)
    except InvalidRequest as error:
        refused = error.param
    else:
        check_schema("CreateChatCompletionRequest", chat)
        return
    assert refused in body or refused in ("model", "instruction")


def test_a_reply_has_neither_id_nor_model() -> None:
    reply = answered("What day of the week is it?", created=1589478378)
    assert reply == {
        "object": "edit",
        "created": 1589478378,
        "choices": [{"text": "What day of the week is it?", "index": 0}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
    }
    check_legacy("CreateEditResponse", reply)


def test_choices_come_in_index_order_and_no_more_than_asked() -> None:
    _, edit = asked(n=2)
    choices = [
        {"index": index, "message": {"content": str(index)}, "finish_reason": "stop"}
        for index in (2, 0, 1)
    ]
    found = edits.choices_from_chat({"choices": choices}, edit)
    reply = edits.reply_from_chat(found, [{}], edit, CONTEXT)
    assert [(c["index"], c["text"]) for c in reply["choices"]] == [(0, "0"), (1, "1")]


@pytest.mark.parametrize("indexes", [("1", "0"), (1, 0), (7, 7), (None, None)])
def test_indexes_may_be_strings_or_none_and_null_is_no_choice(indexes: tuple[Any, Any]) -> None:
    _, edit = asked(n=2)
    said = [
        {"index": index, "message": {"content": text}, "finish_reason": "stop"}
        for index, text in zip(indexes, "ba" if indexes[1] in ("0", 0) else "ab", strict=True)
    ]
    found = edits.choices_from_chat({"choices": [None, *said]}, edit)
    assert [choice["text"] for choice in found] == ["a", "b"]


def test_the_text_may_be_in_a_delta() -> None:
    _, edit = asked()
    choice = {"index": 0, "delta": {"content": "a"}, "finish_reason": "stop"}
    assert edits.choices_from_chat({"choices": [choice]}, edit) == [{"text": "a", "index": 0}]
    with pytest.raises(UpstreamError):
        edits.choices_from_chat({"choices": [{**choice, "delta": []}]}, edit)


def test_choices_of_several_replies_are_joined_and_their_prompt_counts_once() -> None:
    _, edit = asked(n=2)
    replies = [chat_completion("one"), chat_completion("two")]
    found = [choice for reply in replies for choice in edits.choices_from_chat(reply, edit)]
    whole = edits.reply_from_chat(found, replies, edit, CONTEXT)
    assert [choice["text"] for choice in whole["choices"]] == ["one", "two"]
    assert whole["usage"] == {"prompt_tokens": 1, "completion_tokens": 4, "total_tokens": 5}
    uncounted = {**replies[0], "usage": None}
    assert edits.reply_from_chat(found, [uncounted, replies[1]], edit, CONTEXT)["usage"] == {
        "prompt_tokens": 1,
        "completion_tokens": 2,
        "total_tokens": 3,
    }
    with pytest.raises(UpstreamError, match="1 of 2 choices"):
        edits.reply_from_chat(found[:1], replies, edit, CONTEXT)


def test_what_is_left_of_a_request_asks_for_as_many_choices() -> None:
    chat, _ = asked(n=3, temperature=1)
    assert edits.request_for_rest(chat, 3) == chat
    assert edits.request_for_rest(chat, 2) == {**chat, "n": 2}
    assert "n" not in edits.request_for_rest(chat, 1)


@pytest.mark.parametrize(
    ("word", "shown"), [("stop", None), (None, None), ("length", "length"), ("eos", None)]
)
def test_a_finish_reason_is_shown_only_where_something_is_missing(word: Any, shown: Any) -> None:
    _, edit = asked()
    choice = {"message": {"content": "Half a"}, "finish_reason": word}
    (found,) = edits.choices_from_chat({"choices": [choice]}, edit)
    assert found.get("finish_reason") == shown


def test_a_refusal_is_the_text() -> None:
    _, edit = asked()
    choice = {"message": {"content": None, "refusal": "No."}, "finish_reason": "stop"}
    assert edits.choices_from_chat({"choices": [choice]}, edit)[0]["text"] == "No."


def test_the_time_is_the_gateways_and_tokens_are_zero_where_nothing_is_said() -> None:
    reply = answered("x", created=None, usage=None)
    assert reply["created"] == 1_700_000_000
    assert reply["usage"] == {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
    check_legacy("CreateEditResponse", reply)


@pytest.mark.parametrize(
    "text",
    [
        f"{MARKER}\n  two\nlines\n{MARKER}",
        f"\n{MARKER}\n  two\nlines\n{MARKER}\n",
        f"  two\nlines\n{MARKER}",
        f"{MARKER}\r\n  two\nlines",
        f"  two\n{MARKER}\nlines",
    ],
)
def test_markers_that_the_model_repeats_are_removed(text: str) -> None:
    assert edited(text) == "  two\nlines"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("```\ncode\n```", "code"),
        ("\n```python\n  a = 1\n\n```\n", "  a = 1\n"),
        (f"```\n{MARKER}\ncode\n{MARKER}\n```", "code"),
        ("```code```", "```code```"),
        ("see ```\ncode\n```", "see ```\ncode\n```"),
        ("```\na\n```\n```\nb\n```", "```\na\n```\n```\nb\n```"),
        ("```", "```"),
        ("  text \n", "  text \n"),
        (f"the {MARKER} inside", f"the {MARKER} inside"),
    ],
)
def test_one_fence_around_everything_is_removed(text: str, kept: str) -> None:
    assert edited(text) == kept


def test_a_fence_stays_where_the_client_has_one_itself() -> None:
    fenced = "```\ncode\n```"
    assert edited(fenced, source="```\nx\n```") == fenced
    assert edited(fenced, instruction="Wrap it in ```") == fenced


@given(st.text())
def test_a_text_without_marker_and_fence_stays_as_it_is(text: str) -> None:
    if MARKER not in text and "```" not in text:
        assert edited(text) == text


@pytest.mark.parametrize(
    ("param", "source", "named"),
    [
        ("messages[1].content", "x", "input"),
        ("messages[1].content", "", "instruction"),
        ("messages[0]", "x", "instruction"),
        ("messages", "x", "instruction"),
        ("max_completion_tokens", "x", "instruction"),
        ("n", "x", "n"),
        ("temperature", "x", "temperature"),
        ("model", "x", "model"),
        ("input", "x", "input"),
        ("tools", "x", None),
        ("", "x", None),
        (None, "x", None),
    ],
)
def test_chat_parameters_have_an_edits_name(
    param: str | None, source: str, named: str | None
) -> None:
    assert edits.client_param(param, Edit(source, "y", 1, MARKER)) == named


def test_an_error_in_a_good_status_is_the_clients() -> None:
    _, edit = asked()
    error = {"message": "too long", "param": "messages[1].content", "code": 400}
    with pytest.raises(UpstreamReplied) as caught:
        edits.choices_from_chat({"error": error}, edit)
    assert (caught.value.status, caught.value.param) == (400, "input")
    assert caught.value.message == "too long (upstream parameter: messages[1].content)."


@pytest.mark.parametrize(
    "reply",
    [
        {},
        [],
        None,
        {"choices": []},
        {"choices": [5]},
        {"choices": [{}]},
        {"choices": [{"message": {"content": 5}}]},
        {"choices": [{"message": {"content": ""}, "finish_reason": "abort"}]},
    ],
)
def test_what_is_not_a_chat_completion_is_an_upstream_error(reply: Any) -> None:
    _, edit = asked()
    with pytest.raises(UpstreamError):
        edits.choices_from_chat(reply, edit)


MESSAGE = almost("content", "refusal", "role", inner=ANY_JSON | st.text())
CHOICE = almost("index", "message", "finish_reason", inner=ANY_JSON | MESSAGE)
REPLY = almost("choices", "usage", "created", "error", inner=ANY_JSON | st.lists(CHOICE))


@given(ANY_JSON | REPLY)
def test_any_upstream_json_is_a_valid_edit_or_an_upstream_error(reply: Any) -> None:
    _, edit = asked()
    try:
        found = edits.choices_from_chat(reply, edit)
        whole = edits.reply_from_chat(found, [reply], edit, CONTEXT)
    except UpstreamError:
        return
    check_legacy("CreateEditResponse", whole)
