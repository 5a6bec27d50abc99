"""Errors of upstreams in every envelope, and the statuses that clients get."""

import pytest

from gateway.errors import Reason, UpstreamError, UpstreamReplied
from gateway.shapes import Json
from gateway.translate.parts.upstream_errors import (
    bare_error,
    client_status,
    in_clients_words,
    only_reply,
    upstream_error,
    without_error,
)


@pytest.mark.parametrize(
    ("upstream", "client"),
    [
        (400, 400),
        (422, 400),
        (501, 400),
        (409, 429),
        (401, 401),
        (504, 504),
        (408, 408),
        (429, 429),
        (503, 503),
        (529, 529),
        (500, 502),
        (502, 502),
        (302, 502),
    ],
)
def test_statuses_are_those_that_every_client_understands(upstream: int, client: int) -> None:
    assert client_status(upstream) == client


ERRORS: list[tuple[object, tuple[str, str, str | None, str | None, int]]] = [
    (
        {"error": {"message": "m", "type": "t", "param": "p", "code": "c"}},
        ("m", "t", "p", "c", 502),
    ),
    (
        {"error": {"message": "m", "code": 429}, "user_id": "u"},
        ("m", "rate_limit_error", None, None, 429),
    ),
    ({"error": {"message": "m", "code": "404"}}, ("m", "invalid_request_error", None, None, 404)),
    ({"error": {"message": "m", "code": 50001}}, ("m", "server_error", None, None, 502)),
    ({"error": {"message": "m", "code": True}}, ("m", "server_error", None, None, 502)),
    (
        {"error": {"message": "m", "type": "None", "param": "<nil>", "code": "null"}},
        ("m", "server_error", None, None, 502),
    ),
    ({"error": "m", "error_type": "validation"}, ("m", "validation", None, None, 502)),
    ({"error": "m", "code": "denied"}, ("m", "server_error", None, "denied", 502)),
    (
        {"error": True},
        ("The upstream reported an error: True", "server_error", None, None, 502),
    ),
    (
        {"error": {"type": "t"}},
        (
            'The upstream reported an error without a message: {"error": {"type": "t"}}.',
            *("t", None, None, 502),
        ),
    ),
    (
        [{"error": {"code": 503, "message": "m", "status": "UNAVAILABLE"}}],
        ("m", "server_error", None, None, 503),
    ),
    (
        {"object": "error", "message": "m", "type": "BadRequestError", "param": None, "code": 400},
        ("m", "BadRequestError", None, None, 400),
    ),
    (
        {"type": "error", "error": {"type": "t", "code": "c", "message": "m", "param": None}},
        ("m", "t", None, "c", 502),
    ),
    (
        {"type": "error", "status": 429, "error": {"type": "t", "message": "m"}},
        ("m", "t", None, None, 429),
    ),
    (
        {"type": "error", "code": "c", "message": "m", "param": "p", "sequence_number": 3},
        ("m", "server_error", "p", "c", 502),
    ),
    (
        {
            "type": "response.failed",
            "response": {"error": {"code": "server_error", "message": "m"}},
        },
        ("m", "server_error", None, "server_error", 502),
    ),
    (
        {"type": "response.failed", "response": None},
        (
            "The upstream reported response.failed without a reason.",
            "server_error",
            None,
            None,
            502,
        ),
    ),
    (
        {"id": "resp_1", "status": "failed", "error": {"code": "c", "message": "m"}},
        ("m", "server_error", None, "c", 502),
    ),
    ({"object": "error", "msg": "m"}, ("m", "server_error", None, None, 502)),
    ({"object": "error", "detail": "m"}, ("m", "server_error", None, None, 502)),
    ({"error": {"error": {"message": "m"}}}, ("m", "server_error", None, None, 502)),
    ({"error": {"reason": "m"}}, ("m", "server_error", None, None, 502)),
    (
        {"choices": [{"index": 0}, {"error": {"message": "m", "code": 429}}]},
        ("m", "rate_limit_error", None, None, 429),
    ),
    ({"choices": [None, {"error": "m"}]}, ("m", "server_error", None, None, 502)),
    (
        {"choices": [{"finish_reason": "stop"}], "x_groq": {"id": "r", "error": "m"}},
        ("m", "server_error", None, None, 502),
    ),
]


@pytest.mark.parametrize(("carrier", "expected"), ERRORS)
def test_every_error_envelope_is_recognised(
    carrier: object, expected: tuple[str, str, str | None, str | None, int]
) -> None:
    error = upstream_error(carrier)
    assert isinstance(error, UpstreamReplied)
    assert (error.message, error.type, error.param, error.code, error.status) == expected


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        ["x"],
        None,
        "error",
        {"error": None, "choices": []},
        {"error": {}, "choices": []},
        {"choices": [], "x_groq": {"id": "r", "error": None, "usage": {"total_tokens": 1}}},
        {"object": "chat.completion.chunk", "choices": []},
        {"type": "response.created", "response": {"error": None}},
        {"type": "response.completed", "response": {"error": None}},
    ],
)
def test_what_carries_no_error_is_none(body: object) -> None:
    assert upstream_error(body) is None


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (400, 400),
        (409, 429),
        (422, 400),
        ("429", 429),
        (500, 502),
        (501, 400),
        (503, 503),
        (1, 502),
    ],
)
def test_a_code_in_a_success_is_a_status_that_clients_bear(code: object, status: int) -> None:
    for body in (
        {"error": {"message": "no", "code": code}},
        {"object": "error", "message": "no", "code": code},
    ):
        error = upstream_error(body)
        assert error is not None
        assert error.status == status


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ({"code": "rate_limit_exceeded"}, 429),
        ({"type": "rate_limit_error"}, 429),
        ({"code": "insufficient_quota", "type": "invalid_request_error"}, 429),
        ({"status": "RESOURCE_EXHAUSTED"}, 429),
        ({"type": "overloaded_error"}, 529),
        ({"type": "authentication_error"}, 401),
        ({"code": "billing_hard_limit_reached"}, 429),
        ({"code": "billing_not_active", "type": "billing_not_active"}, 429),
        ({"code": "billing_not_active", "type": "invalid_request_error"}, 429),
        ({"type": "exceeded_current_quota_error"}, 429),
        ({"code": "quota_exceeded"}, 429),
        ({"code": "insufficient_balance"}, 402),
        ({"code": "insufficient_user_quota", "type": "new_api_error"}, 402),
        ({"type": "billing_error"}, 402),
        ({"type": "permission_error"}, 403),
        ({"type": "not_found_error"}, 404),
        ({"type": "request_too_large"}, 413),
        ({"code": "server_is_overloaded"}, 503),
        ({"code": "slow_down"}, 503),
        ({"status": "UNAVAILABLE"}, 503),
        ({"status": "DEADLINE_EXCEEDED"}, 504),
        ({"code": "invalid_prompt"}, 400),
        ({"code": "cyber_policy"}, 400),
        ({"code": "cyber_policy", "type": "invalid_request"}, 400),
        ({"code": "content_policy_violation"}, 400),
        ({"type": "invalid_request"}, 400),
        ({"type": "invalid_request_error"}, 400),
        ({"code": 503, "type": "invalid_request_error"}, 503),
        ({"code": "server_error", "type": "server_error"}, 502),
    ],
)
def test_what_a_code_or_a_type_means_is_the_status_of_an_error_in_a_success(
    said: dict[str, object], status: int
) -> None:
    for body in ({"error": {"message": "no", **said}}, [{"error": {"message": "no", **said}}]):
        error = upstream_error(body)
        assert error is not None
        assert error.status == status


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"detail": "m"}, 502),
        ({"id": "x", "choices": None, "message": "m", "code": 429}, 429),
        ({"choices": [], "base_resp": {"status_code": 1002, "status_msg": "m"}}, 429),
        ({"base_resp": {"status_code": 1033, "status_msg": "m"}}, 502),
        ({"base_resp": {"status_code": {"a": 1}, "status_msg": "m"}}, 502),
        ({"type": "exception", "message": "m"}, 502),
        ({"errors": ["m"]}, 502),
    ],
)
def test_what_stands_in_a_results_place_is_an_error(body: Json, status: int) -> None:
    error = upstream_error(bare_error(body))
    assert error is not None
    assert (error.message, error.status) == ("m", status)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"id": "x", "usage": {"total_tokens": 1}},
        {"choices": [{}], "message": "m"},
        {"output": [{}], "message": "m"},
        {"message": {"role": "assistant", "content": "m"}, "done": True},
        {"base_resp": {"status_code": 0, "status_msg": "success"}},
        {"type": "response.custom", "message": "m"},
    ],
)
def test_what_says_no_error_is_none(body: Json) -> None:
    assert bare_error(body) is None


class Names:
    """A client that calls each parameter of a call by the call's number, but for `stop`."""

    def client_param(self, call: int, param: str | None) -> str | None:
        return param if param in (None, "stop") else f"{param}_{call}"


@pytest.mark.parametrize(
    ("param", "named", "message"),
    [
        ("top_k", "top_k_3", "no (upstream parameter: top_k)."),
        ("stop", "stop", "no"),
        (None, None, "no"),
    ],
)
def test_an_error_is_about_the_clients_own_parameter(
    param: str | None, named: str | None, message: str
) -> None:
    with pytest.raises(UpstreamReplied) as caught:
        without_error(3, {"error": {"message": "no", "param": param}}, Names())
    assert (caught.value.param, caught.value.message) == (named, message)


@pytest.mark.parametrize(
    ("named", "param", "says"),
    [
        # the same item of the same list, or all of it
        ("messages[0].content", "messages[0]", False),
        ("messages[0].content[0].text", "messages[0].content", False),
        ("messages[2]", "messages[2].content[1]", False),
        ("messages", "messages[0]", False),
        ("tools", "tools", False),
        # which item is meant is known from the upstream's name alone
        ("messages[3].content", "messages", True),
        ("messages[1].content", "messages[0]", True),
        ("messages[10]", "messages[1]", True),
        ("messages[1]", "messages[10]", True),
        ("top_p", "top_p_2", True),
        ("input[0]", "messages[0]", True),
        ("stop", None, True),
    ],
)
def test_a_name_that_only_repeats_the_clients_is_not_said(
    named: str, param: str | None, *, says: bool
) -> None:
    error = in_clients_words(UpstreamReplied("Bad value.", param=named), param)
    assert error.param == param
    assert error.message == (f"Bad value (upstream parameter: {named})." if says else "Bad value.")


def test_a_pair_can_look_for_errors_of_its_own() -> None:
    with pytest.raises(UpstreamReplied, match="here"):
        without_error(0, {}, Names(), lambda _: UpstreamReplied("here"))


def test_what_carries_no_error_is_the_object_that_it_should_be() -> None:
    assert without_error(0, {"id": "x"}, Names()) == {"id": "x"}


@pytest.mark.parametrize("body", [[], "x", None, 5])
def test_what_is_not_an_object_is_an_error(body: object) -> None:
    with pytest.raises(UpstreamError, match="not a JSON object"):
        without_error(0, body, Names())


def test_a_prompt_that_is_too_long_is_explained_without_the_upstreams_parameter() -> None:
    error = UpstreamReplied("Too long", code="context_length_exceeded", param="prompt")
    assert in_clients_words(error, None).message == "Too long"


@pytest.mark.parametrize("replies", [[], [{}, {}]])
def test_one_call_has_one_reply(replies: list[object]) -> None:
    with pytest.raises(UpstreamError, match=f"sent {len(replies)} replies to one call"):
        only_reply(replies)
    assert only_reply([{"id": "x"}]) == {"id": "x"}


@pytest.mark.parametrize(
    "code", ["insufficient_quota", "billing_hard_limit_reached", "billing_not_active"]
)
def test_an_error_that_a_payment_ends_has_a_type(code: str) -> None:
    for said, expected in (({}, "insufficient_quota"), ({"type": "t"}, "t")):
        error = upstream_error({"error": {"message": "Pay.", "code": code, **said}})
        assert error is not None
        assert (error.status, error.code, error.type) == (429, code, expected)
        assert error.reason is Reason.RATE_LIMITED
