import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.resolve.error_envelopes import (
    MAX_BODY_BYTES,
    MAX_MESSAGE_CHARACTERS,
    ErrorReply,
    decode_body,
    is_error_in_success,
    python_literal,
    read_error,
    undecorated,
)

PLAIN = ErrorReply("No such thing.", "some_error", "some_code", "some_param")
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
    ],
    ids=lambda body: json.dumps(body)[:60],
)
def test_every_envelope_is_opened(body: object) -> None:
    assert read_error(body) == PLAIN


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"error": "text"}, ErrorReply("text")),
        ({"error": "text", "error_type": "template_error"}, ErrorReply("text", "template_error")),
        ({"code": "an argument", "error": "text"}, ErrorReply("text", code="an argument")),
        ({"detail": "text"}, ErrorReply("text")),
        ({"status": 404, "title": "Not Found", "detail": "text"}, ErrorReply("text")),
        ({"code": 20012, "message": "text", "data": None}, ErrorReply("text", code="20012")),
        ({"error": {"msg": "text"}}, ErrorReply("text")),
        ({"err": "text"}, ErrorReply("text")),
        ({"error_msg": "text"}, ErrorReply("text")),
        ({"error": {}}, ErrorReply("")),
        ({"error": {"message": 5}}, ErrorReply("")),
        ({"error": {"message": {"colour": "red"}}}, ErrorReply("")),
        ({"error": {"message": " text \n"}}, ErrorReply("text")),
    ],
)
def test_what_an_envelope_lacks_is_absent(body: object, expected: ErrorReply) -> None:
    assert read_error(body) == expected


@pytest.mark.parametrize(
    "null", ["", "<nil>", "None", "null", "nil", None, True, False, [], {}, 1.5, 10**30]
)
def test_stringified_nulls_and_other_types_are_absent(null: object) -> None:
    body = {"error": {"message": "text", "type": null, "code": null, "param": null}}
    assert read_error(body) == ErrorReply("text")


def test_a_providers_plain_text_replaces_openrouters_own() -> None:
    error = {"message": "Provider returned error", "code": 429, "metadata": {"raw": "busy"}}
    assert read_error({"error": error}) == ErrorReply("busy", code="429")


@pytest.mark.parametrize("metadata", [None, {}, {"raw": 1}, "raw"])
def test_other_metadata_is_left_alone(metadata: object) -> None:
    error = {"message": "Provider returned error", "metadata": metadata}
    assert read_error({"error": error}) == ErrorReply("Provider returned error")


def test_metadata_counts_only_where_openrouter_says_nothing_itself() -> None:
    error = {"message": "something", "metadata": {"raw": "else"}}
    assert read_error({"error": error}) == ErrorReply("something")


def test_the_inner_error_decides_and_the_outer_code_stands_in() -> None:
    inner = json.dumps({"error": {"message": "inner", "type": "t"}})
    body = {"error": {"message": inner, "type": "outer", "param": "p", "code": 400}}
    assert read_error(body) == ErrorReply("inner", "t", "400")


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
    assert reply.type == "extra_forbidden"
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
    assert reply.type == "extra_forbidden"


@pytest.mark.parametrize("entries", [[{}], [forbidden("a"), {}], [forbidden("a"), 1]])
def test_a_list_that_is_not_all_validation_errors_is_none(entries: list[object]) -> None:
    reply = read_error({"detail": entries})
    assert reply is None or reply.unknown_fields == ()


# --- decorations


@pytest.mark.parametrize(
    "decorated",
    [
        "It broke.",
        "openai error: It broke.",
        "Provider API error: It broke.",
        "litellm.BadRequestError: OpenAIException - It broke.",
        "litellm.NotFoundError: NotFoundError: AzureException - It broke.",
        "Error from provider(newapi,gpt-4o: 400): It broke.",
        "Error code: 400 - It broke.",
        "400: It broke.",
        "It broke. (request id: 20250718151005233935178p97L88vu)",
        "It broke. (request id: a) (request id: b)",
        "It broke. None",
        "It broke.. Received Model Group=x\nAvailable Model Group Fallbacks=['y']",
        "It broke.. LiteLLM Retried: 1 times, LiteLLM Max Retries: 2",
        "litellm.BadRequestError: It broke. (request id: a). Received Model Group=x",
    ],
)
def test_what_relays_add_is_taken_off(decorated: str) -> None:
    assert undecorated(decorated) == "It broke."


@pytest.mark.parametrize(
    "message",
    [
        "The user wrote: It broke.",
        "It broke (see below)",
        "It broke (request id: a) twice",
        "It broke (request id: a) (b)",
        "There is None",
        'Failed to load model "x". Error: Model is not embedding.',
        "model: claude",
    ],
)
def test_what_is_part_of_the_message_stays(message: str) -> None:
    assert undecorated(message) == message


def test_endless_decorations_are_taken_off_in_part() -> None:
    prefixes, suffixes = "400: " * 10, " (request id: a)" * 10
    assert undecorated(f"{prefixes}It broke.{suffixes}") == (
        "400: " * 4 + "It broke." + " (request id: a)" * 4
    )


def test_a_long_message_is_cut() -> None:
    reply = read_error({"error": {"message": "x" * 20_000}})
    assert reply is not None
    assert len(reply.message) == MAX_MESSAGE_CHARACTERS


# --- bodies


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"<html>",
        b"\xff",
        b'{"a":',
        b"[" * 60_000,
        b'{"a":' * 12_000,
        b'"\\ud800"',
        "\ud800",
        b'"' + b"x" * MAX_BODY_BYTES + b'"',
    ],
    ids=lambda raw: repr(raw[:12]),
)
def test_what_is_no_json_decodes_to_nothing(raw: object) -> None:
    assert decode_body(raw) is None


def test_json_is_decoded_and_values_stay() -> None:
    assert decode_body(b'{"a": [1]}') == {"a": [1]}
    assert decode_body(bytearray(b"[]")) == []
    assert decode_body('"text"') == "text"
    value = {"a": 1}
    assert decode_body(value) is value


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
        ([{"error": "x"}], False),
        (None, False),
    ],
)
def test_success_is_an_error_only_without_a_result(body: object, expected: bool) -> None:
    assert is_error_in_success(body) is expected


# --- Python's prints


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[" * 5000,
        "-" * 9000 + "1",
        "9" * 5000,
        "{[]: 1}",
        "{'a': open('x')}",
        "\x00",
        "\ud800",
        "b'\\xff'",
        "not " * 4000 + "1",
        "1+" * 4000 + "1",
        "'x'" * 6000,
    ],
    ids=lambda text: repr(text[:10]),
)
def test_what_is_no_literal_is_nothing(text: str) -> None:
    assert python_literal(text) is None


def test_unknown_escapes_are_read_in_silence() -> None:
    assert python_literal(r"{'pattern': '\d'}") == {"pattern": r"\d"}


@given(st.text())
def test_undecorating_never_raises_and_never_adds(message: str) -> None:
    assert undecorated(message) in message


@given(st.text(alphabet="{}[]()'\"b\\,:0123456789 aeN-"))
def test_texts_that_look_like_values_never_raise(text: str) -> None:
    read_error({"error": {"message": text}})
    read_error({"error": {"message": f"[{text}"}})
    python_literal(text)


@given(
    st.text(min_size=1).map(str.strip).filter(bool),
    st.sampled_from(["{}", "openai error: {}", "XError: YException - {}"]),
)
def test_a_message_survives_any_wrapping(text: str, wrapping: str) -> None:
    inner = {"error": {"message": f"A {text}."}}
    expected = read_error(inner)
    outer = {"error": {"message": wrapping.replace("{}", json.dumps(inner))}}
    assert read_error(outer) == expected
