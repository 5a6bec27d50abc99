import json
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core.core_schema import ErrorType

from gateway.envelopes.error_envelopes import (
    MAX_MESSAGE_CHARACTERS,
    ErrorDetails,
    is_error_in_success,
    read_error,
)

PLAIN = ErrorDetails("No such thing.", "some_error", "some_code", "some_param")
INNER = {
    "message": "No such thing.",
    "type": "some_error",
    "code": "some_code",
    "param": "some_param",
}


@pytest.mark.parametrize(
    "body",
    [
        {"error": INNER},
        INNER,
        {"object": "error", **INNER},
        {"detail": INNER},
        {"detail": {"error": INNER}},
        [{"error": INNER}],
        [{"error": INNER}, {"error": {"message": "another"}}],
        {"type": "error", "error": INNER, "request_id": "req_1"},
        {"id": "x", "error": INNER},
        {"request_id": "r", "created_at": "2026", "error": INNER},
        {"response": {"error": INNER}},
        {"header": INNER},
        {"error": {"message": INNER}},
        {"error": {"message": {"error": INNER}}},
        {"error": {"message": json.dumps({"error": INNER})}},
        {"error": {"message": repr({"error": INNER})}},
        {"error": {"message": repr(json.dumps({"error": INNER}).encode())}},
        {"error": {"message": json.dumps([{"error": INNER}])}},
        {"error": {"message": json.dumps({"error": {"message": json.dumps({"error": INNER})}})}},
        {
            "error": {
                "message": "Provider returned error",
                "code": 400,
                "metadata": {"provider_name": "x", "raw": json.dumps({"error": INNER})},
            },
            "user_id": "user_x",
        },
        {
            "error": {
                "cause": json.dumps({"error": INNER}),
                "code": 400,
                "message": "\u6a21\u578b\u670d\u52a1\u8c03\u7528\u5931\u8d25",
                "status": "FAILED_RESPONSE",
            },
            "requestId": "r",
            "result": None,
        },
        {
            "error": {
                "message": "Backend request failed with status 400",
                "type": "backend_error",
                "code": 400,
                "details": json.dumps({"error": INNER, "request_id": "r"}),
            },
        },
    ],
    ids=lambda body: json.dumps(body)[:60],
)
def test_every_envelope_is_opened(body: object) -> None:
    assert read_error(body) == PLAIN


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"error": "text"}, ErrorDetails("text")),
        ({"error": "text", "error_type": "template_error"}, ErrorDetails("text", "template_error")),
        ({"code": "an argument", "error": "text"}, ErrorDetails("text", code="an argument")),
        ({"detail": "text"}, ErrorDetails("text")),
        ({"detail": {"error": "text", "code": "c"}}, ErrorDetails("text", code="c")),
        ({"detail": {"reason": "text", "code": "c"}}, ErrorDetails("text", code="c")),
        ({"error": {"reason": "text"}}, ErrorDetails("text")),
        ({"error": {"errorMessage": "text", "type": "t"}}, ErrorDetails("text", "t")),
        ({"error": [{"message": "text"}]}, ErrorDetails("text")),
        ({"errors": [{"message": "text", "code": "c"}]}, ErrorDetails("text", code="c")),
        ({"errors": ["text", "more"]}, ErrorDetails("text")),
        ({"errors": {"a": "text"}, "message": "more"}, ErrorDetails("more")),
        ({"error": []}, None),
        ({"fault": {"faultstring": "text"}}, ErrorDetails("text")),
        ({"base_resp": {"status_code": 1004, "status_msg": "text"}}, ErrorDetails("text")),
        ({"base_resp": {"status_code": 0, "status_msg": "success"}}, None),
        ({"error": {"error": {"message": "text", "code": "c"}}}, ErrorDetails("text", code="c")),
        ({"error": {"error": "text", "code": "c"}}, ErrorDetails("text", code="c")),
        ({"error": {"message": "text", "error": {"message": "more"}}}, ErrorDetails("text")),
        ({"error": {"error": {}, "code": "c"}}, ErrorDetails("", code="c")),
        ({"error": {"colour": "red"}}, ErrorDetails("")),
        ({"statusCode": 400, "error": "Bad Request", "message": "text"}, ErrorDetails("text")),
        (
            {"statusCode": 400, "error": "Bad Request", "message": ["one", "two"]},
            ErrorDetails("one\ntwo"),
        ),
        ({"status": 400, "error": "Bad Request", "message": ""}, ErrorDetails("Bad Request")),
        ({"status": 400, "error": "Bad Request", "message": [1]}, ErrorDetails("Bad Request")),
        ({"status": 404, "title": "Not Found", "detail": "text"}, ErrorDetails("text")),
        ({"code": 20012, "message": "text", "data": None}, ErrorDetails("text", code="20012")),
        ({"error": {"msg": "text"}}, ErrorDetails("text")),
        (
            {"type": "about:blank", "title": "text", "status": 404},
            ErrorDetails("text", "about:blank"),
        ),
        ({"error": {"message": "text", "param": "body.stop"}}, ErrorDetails("text", param="stop")),
        ({"error": {"message": "text", "replacement": "m"}}, ErrorDetails("text", replacement="m")),
        ({"error": {"message": "400: text"}}, ErrorDetails("text", statuses=(400,))),
        ({"err": "text"}, ErrorDetails("text")),
        ({"error_msg": "text"}, ErrorDetails("text")),
        ({"error": {}}, ErrorDetails("")),
        ({"error": {"message": 5}}, ErrorDetails("")),
        ({"error": {"message": {"colour": "red"}}}, ErrorDetails("")),
        ({"error": {"message": " text \n"}}, ErrorDetails("text")),
    ],
)
def test_what_an_envelope_lacks_is_absent(body: object, expected: ErrorDetails | None) -> None:
    assert read_error(body) == expected


@pytest.mark.parametrize(
    "null", ["", "<nil>", "None", "null", "nil", None, True, False, [], {}, 1.5, 10**30]
)
def test_stringified_nulls_and_other_types_are_absent(null: object) -> None:
    body = {"error": {"message": "text", "type": null, "code": null, "param": null}}
    assert read_error(body) == ErrorDetails("text")


def test_a_providers_plain_text_replaces_openrouters_own() -> None:
    error = {"message": "Provider returned error", "code": 429, "metadata": {"raw": "busy"}}
    assert read_error({"error": error}) == ErrorDetails("busy", code="429")


@pytest.mark.parametrize("name", ["cause", "details"])
@pytest.mark.parametrize("cause", [None, {}, "a word", "{", '{"a": 1}', "[]", '{"error": null}'])
def test_a_cause_counts_only_if_it_is_an_error(name: str, cause: object) -> None:
    assert read_error({"error": {"message": "something", name: cause}}) == ErrorDetails("something")


@pytest.mark.parametrize("metadata", [None, {}, {"raw": 1}, "raw"])
def test_other_metadata_is_left_alone(metadata: object) -> None:
    error = {"message": "Provider returned error", "metadata": metadata}
    assert read_error({"error": error}) == ErrorDetails("Provider returned error")


def test_metadata_counts_only_where_openrouter_says_nothing_itself() -> None:
    error = {"message": "something", "metadata": {"raw": "else"}}
    assert read_error({"error": error}) == ErrorDetails("something")


def test_the_inner_error_decides_and_the_outer_code_stands_in() -> None:
    inner = json.dumps({"error": {"message": "inner", "type": "t"}})
    body = {"error": {"message": inner, "type": "outer", "param": "p", "code": 400}}
    assert read_error(body) == ErrorDetails("inner", "t", "400")


def test_the_statuses_of_all_relays_are_kept() -> None:
    inner = json.dumps({"error": {"message": "HTTP 404: inner"}})
    message = f"Error code: 400 - {inner}"
    assert read_error({"error": {"message": message}}) == ErrorDetails("inner", statuses=(400, 404))


def test_a_copy_of_the_body_counts_if_it_says_the_same() -> None:
    copy = json.dumps({"error": {"message": "text", "code": "c", "param": "p"}})
    message = f"bad response status code 400, message: text, body: {copy}"
    body = {"error": {"message": message, "code": "bad_response"}}
    assert read_error(body) == ErrorDetails("text", code="c", param="p", statuses=(400,))
    body = {"error": {"message": message.replace('"text"', '"else"'), "code": "bad_response"}}
    assert read_error(body) == ErrorDetails("text", code="bad_response", statuses=(400,))


def test_nesting_is_followed_twice_and_no_further() -> None:
    message = "innermost"
    for _ in range(3):
        message = json.dumps({"error": {"message": message}})
    reply = read_error({"error": {"message": message}})
    assert reply is not None
    assert reply.message == json.dumps({"error": {"message": "innermost"}})


@pytest.mark.parametrize(
    "value", [None, 1, "text", True, [], {}, [1], [[]], {"error": None}, {"choices": []}]
)
def test_a_value_without_an_error_has_none(value: object) -> None:
    assert read_error(value) is None


# --- validation errors


def forbidden(*loc: object) -> dict[str, object]:
    return {"type": "extra_forbidden", "loc": list(loc), "msg": "Extra inputs are not permitted"}


def test_unknown_fields_of_a_validation_error_are_paths() -> None:
    entries = [forbidden("body", "store"), forbidden("body", "messages", 0, "name"), forbidden("x")]
    reply = read_error({"detail": entries})
    assert reply is not None
    assert reply.unknown_fields == ("store", "messages[0].name", "x")
    assert reply.param == "store"
    assert reply.type == "invalid_request_error"
    assert reply.message.splitlines()[0] == "store: Extra inputs are not permitted"


@pytest.mark.parametrize(
    "body",
    [
        {"detail": [forbidden("body", "store")]},
        {"object": "error", "message": {"detail": [forbidden("body", "store")]}},
        {"error": {"message": [forbidden("body", "store")]}},
        {"message": repr([{**forbidden(), "loc": ("body", "store")}])},
        {"message": json.dumps([forbidden("body", "store")])},
        {"message": f"1 validation error:\n  {forbidden('body', 'store')!r}\n\n  File x"},
        {"error": {"message": f"ValidationError: {[forbidden('body', 'store')]!r}"}},
        {"detail": [{"type": "value_error.extra", "loc": ["body", "store"], "msg": "x"}]},
    ],
)
def test_a_validation_error_is_found_wherever_it_is(body: object) -> None:
    reply = read_error(body)
    assert reply is not None
    assert reply.unknown_fields == ("store",)


@pytest.mark.parametrize(
    ("loc", "path"),
    [
        ("body.store", "store"),
        ("body.messages.0.name", "messages[0].name"),
        ("body", ""),
        ("store", "store"),
    ],
)
def test_steps_that_are_joined_by_dots_are_a_path(loc: str, path: str) -> None:
    """vLLM, since 0.32."""
    entry = {"type": "extra_forbidden", "loc": loc, "msg": "Extra inputs are not permitted"}
    body = {"error": {"message": f"1 validation error:\n  {entry!r}", "param": loc, "code": 400}}
    reply = read_error(body)
    assert reply is not None
    assert reply.unknown_fields == (path,)
    assert reply.param == (path or None)


@pytest.mark.parametrize(
    ("param", "path"),
    [
        ("tools.0.function.name", "tools[0].function.name"),
        ("messages.2.content.1", "messages[2].content[1]"),
        ("body.input.12.content", "input[12].content"),
        ("messages.[3].content", "messages[3].content"),
        ("$.messages[0].content", "messages[0].content"),
        ("messages[0].content.1.text", "messages[0].content[1].text"),
        ("reasoning.effort", "reasoning.effort"),
        ("temperature", "temperature"),
        ("body.", None),
    ],
)
def test_a_parameter_is_a_path_with_brackets_however_it_is_written(
    param: str, path: str | None
) -> None:
    for error in ({"message": "No.", "param": param}, {"msg": "No.", "param": param}):
        reply = read_error({"error": error})
        assert reply is not None
        assert reply.param == path


@pytest.mark.parametrize(
    ("word", "type_"),
    [
        *dict.fromkeys(get_args(ErrorType), "invalid_request_error").items(),
        ("value_error.missing", "invalid_request_error"),
        ("type_error.integer", "invalid_request_error"),
        ("type_error", "invalid_request_error"),
        ("rate_limit_error", "rate_limit_error"),
        ("BadRequestError", "BadRequestError"),
    ],
)
def test_pydantics_words_for_a_type_are_openais_for_the_client(word: str, type_: str) -> None:
    for error in ({"type": word}, {"error_type": word}):
        reply = read_error({"error": {"message": "Field required", **error}})
        assert reply is not None
        assert (reply.message, reply.type) == ("Field required", type_)


def test_a_validation_error_without_a_message_says_its_type() -> None:
    entries = [
        {"type": "string_type", "loc": ["body", "user"]},
        {"type": "of_ones_own", "loc": ["body"], "msg": "No."},
        {"loc": ["body", "n"]},
    ]
    reply = read_error({"detail": entries})
    assert reply is not None
    assert reply.message == "user: string_type\nNo.\nn: not valid"


@pytest.mark.parametrize(
    ("loc", "path"),
    [
        (("body", "input", "str"), "input"),
        (("body", "input", "list[union[Easy,Message]]", 3, "Easy", "content"), "input[3].content"),
        (("body", "messages", 0, "ChatCompletionUserMessageParam", "role"), "messages[0].role"),
        (("body", "messages", 2, "assistant", "prefix"), "messages[2].prefix"),
        (("body", "tools", 0, "function", "name"), "tools[0].function.name"),
        (("body", "Model"), "Model"),
    ],
)
def test_the_kinds_that_a_value_was_checked_as_are_not_steps(loc: Any, path: str) -> None:
    reply = read_error({"detail": [{"type": "missing", "loc": list(loc), "msg": "Field required"}]})
    assert reply is not None
    assert (reply.param, reply.message) == (path, f"{path}: Field required")


def test_a_flood_of_validation_errors_is_not_read() -> None:
    lines = [repr(forbidden("body", f"x{number}")) for number in range(65)]
    for count, read in ((64, True), (65, False)):
        message = f"{count} validation errors:\n" + "\n".join(lines[:count])
        reply = read_error({"error": {"message": message}})
        assert reply is not None
        assert (len(reply.unknown_fields) == count) is read


@pytest.mark.parametrize("kind", [{"a": 1}, ["extra_forbidden"], 5])
def test_a_type_that_is_no_text_is_not_about_unknown_fields(kind: object) -> None:
    reply = read_error({"detail": [{"type": kind, "loc": ["body", "x"], "msg": "No"}]})
    assert reply is not None
    assert (reply.message, reply.unknown_fields) == ("x: No", ())


def test_a_validation_error_of_several_kinds_is_not_about_unknown_fields() -> None:
    missing = {"type": "missing", "loc": ["body", "messages"], "msg": "Field required"}
    reply = read_error({"detail": [forbidden("body", "store"), missing]})
    assert reply is not None
    assert reply.unknown_fields == ()
    assert "messages: Field required" in reply.message


@pytest.mark.parametrize("loc", [[], [None], [{}], [["body"]], ["body"], [10**5000]])
def test_odd_locations_are_read_without_harm(loc: list[object]) -> None:
    reply = read_error({"detail": [forbidden(*loc)]})
    assert reply is not None
    assert reply.type == "invalid_request_error"


@pytest.mark.parametrize("entries", [[{}], [forbidden("a"), {}], [forbidden("a"), 1]])
def test_a_list_that_is_not_all_validation_errors_is_none(entries: list[object]) -> None:
    reply = read_error({"detail": entries})
    assert reply is None or reply.unknown_fields == ()


def test_a_long_message_is_cut() -> None:
    reply = read_error({"error": {"message": "x" * 20_000}})
    assert reply is not None
    assert len(reply.message) == MAX_MESSAGE_CHARACTERS


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"object": "error", "message": "x"}, True),
        ({"object": "error", "id": "x"}, True),
        ({"error": {"message": "x"}}, True),
        ({"error": "x"}, True),
        ({"error": None}, False),
        ({"error": None, "output": []}, False),
        ({"error": {"message": "x"}, "output": []}, False),
        ({"error": {"message": "x"}, "choices": []}, False),
        ({"error": {"message": "x"}, "data": []}, False),
        ({"error": {"message": "x"}, "id": "x"}, False),
        ({"message": "x"}, False),
        ({"type": "error", "message": "x"}, True),
        ({"type": "response.failed", "response": {"error": {"message": "x"}}}, True),
        ({"type": "error", "output": []}, False),
        ({"type": ["error"]}, False),
        ([{"error": "x"}], False),
        (None, False),
    ],
)
def test_success_is_an_error_only_without_a_result(body: object, expected: bool) -> None:
    assert is_error_in_success(body) is expected


@given(st.text(alphabet="{}[]()'\"b\\,:0123456789 aeN-"))
def test_texts_that_look_like_values_never_raise(text: str) -> None:
    read_error({"error": {"message": text}})
    read_error({"error": {"message": f"[{text}"}})


@given(
    st.text(min_size=1).map(str.strip).filter(bool),
    st.sampled_from(["{}", "openai error: {}", "XError: YException - {}"]),
)
def test_a_message_survives_any_wrapping(text: str, wrapping: str) -> None:
    inner = {"error": {"message": f"A {text}."}}
    expected = read_error(inner)
    outer = {"error": {"message": wrapping.replace("{}", json.dumps(inner))}}
    assert read_error(outer) == expected
