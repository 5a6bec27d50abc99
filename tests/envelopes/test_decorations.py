import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.envelopes.decorations import Undecorated, undecorated

BODY = '{"error": {"message": "It broke."}}'


@pytest.mark.parametrize(
    "decorated",
    [
        "It broke.",
        "openai error: It broke.",
        "Provider API error: It broke.",
        "Upstream error: It broke.",
        "GitHub Copilot API error: It broke.",
        "DeepSeek api error: It broke.",
        "Acme.ai Upstream error: It broke.",
        "litellm.BadRequestError: OpenAIException - It broke.",
        "litellm.NotFoundError: NotFoundError: AzureException - It broke.",
        "litellm.BadRequestError: AzureException BadRequestError - It broke.",
        "Error from provider(newapi,gpt-4o: 400): It broke.",
        "/chat/completions: It broke.",
        "/v1/responses: It broke.",
        "It broke. (request id: 20250718151005233935178p97L88vu)",
        "It broke. (request id: a) (request id: b)",
        "It broke. None",
        "It broke.. Received Model Group=x\nAvailable Model Group Fallbacks=['y']",
        "It broke.. LiteLLM Retried: 1 times, LiteLLM Max Retries: 2",
        "It broke.No fallback model group found for original model_group=x. Fallbacks=[{'y': 1}]",
        (
            "It broke.No fallback model group found for original model_group=x. Fallbacks=[]. "
            "Received Model Group=x\nAvailable Model Group Fallbacks=None\nError doing the "
            "fallback: litellm.BadRequestError: It broke.No fallback model group found for "
            "original model_group=x. Fallbacks=[]"
        ),
        "It broke.\n\nLiteLLM: model group 'x' failed with the error above. No fallback was tried.",
        "litellm.BadRequestError: It broke. (request id: a). Received Model Group=x",
        "The model returned the following errors: It broke.",
        (
            "litellm.BadRequestError: BedrockException - The model returned the following errors: "
            "It broke."
        ),
    ],
)
def test_what_relays_add_is_taken_off(decorated: str) -> None:
    assert undecorated(decorated) == Undecorated("It broke.")


@pytest.mark.parametrize("message", ["Not Found", "Bad Request", "Internal Server Error", "404"])
@pytest.mark.parametrize("class_names", ["NotFoundError: NotFoundError", "APIError: APIError"])
def test_a_message_that_is_a_status_alone_stays(message: str, class_names: str) -> None:
    written = f"litellm.{class_names}: OpenAIException - {message}"
    tail = "\n\nLiteLLM: model group 'm' failed with the error above."
    assert undecorated(written).text == message
    assert undecorated(written + tail).text == message
    assert undecorated(tail).text == tail.strip()


@pytest.mark.parametrize(
    ("decorated", "statuses"),
    [
        ("400: It broke.", (400,)),
        ("400 It broke.", (400,)),
        ("Error code: 400 - It broke.", (400,)),
        ("Error 429: It broke.", (429,)),
        ("status_code=400, It broke.", (400,)),
        ("code=400, message=It broke.", (400,)),
        ("bad response status code 400, message: It broke.", (400,)),
        ("error, status code: 400, status: 400 Bad Request, message: It broke.", (400, 400)),
        ("Upstream returned 503 Service Unavailable: It broke.", (503,)),
        ("unexpected status 404 Not Found: It broke.", (404,)),
        ("HTTP 404 (invalid_request_error: )\nParameter: model\n\nIt broke.", (404,)),
        ('POST "https://api.example/v1/x": 400 Bad Request - It broke.', (400,)),
        ("openai error: bad response status code 400, message: It broke.", (400,)),
    ],
)
def test_the_statuses_in_a_report_are_kept(decorated: str, statuses: tuple[int, ...]) -> None:
    assert undecorated(decorated) == Undecorated("It broke.", statuses)


@pytest.mark.parametrize(
    "before",
    [
        "Request failed with status code 400 ",
        "bad response status code 400, body: ",
        "upstream response: ",
        "litellm.BadRequestError: Hosted_vllmException - ",
    ],
)
def test_a_report_ends_where_a_reply_in_json_begins(before: str) -> None:
    assert undecorated(before + BODY).text == BODY


def test_a_copy_of_the_body_is_read_and_taken_off() -> None:
    decorated = f"bad response status code 400, message: It broke., body: {BODY} (request id: a)"
    assert undecorated(decorated) == Undecorated("It broke.", (400,), json.loads(BODY))


@pytest.mark.parametrize(
    "message",
    [
        "model gpt-5.4 is not accessible via the /chat/completions endpoint",
        "models/gemini-9 is not found for API version v1beta",
        "max_tokens is too large: 5",
        "messages.0.content: too short",
        "acme-7:free is not a valid model ID",
        "invalid temperature: only 1 is allowed for this model",
        "This is not a chat model",
        "'x' is not a chat model",
    ],
)
def test_a_status_before_a_model_or_a_parameter_is_taken_off(message: str) -> None:
    # as openai-node prints errors
    assert undecorated(f"400 {message}") == Undecorated(message, (400,))
    assert undecorated(f"upstream error: 404 {message}") == Undecorated(message, (404,))


@pytest.mark.parametrize(
    "decorated",
    [
        "[400]: It broke.",
        "Github [400]: [400]: It broke.",
        "Open AI [400]: It broke. (reset after 23s)",
        "[openai/gpt-5.4] [400]: It broke. (reset after 1m 5s)",
        "[400] It broke.",
        "(400) It broke.",
        "HTTP error! status: 400, message: It broke.",
        "HTTP error! Status: 400 - It broke.",
        "<400> InternalError.Algo.InvalidParameter: It broke.",
        "400 <400> InternalError.Algo: It broke.",
    ],
)
def test_other_ways_to_write_a_status_are_taken_off(decorated: str) -> None:
    found = undecorated(decorated)
    assert (found.text, set(found.statuses)) == ("It broke.", {400})


def test_a_report_before_json_may_be_in_chinese() -> None:
    # codex2api
    assert undecorated(f"上游返回错误 (status 400): {BODY}").text == BODY


@pytest.mark.parametrize(
    "text",
    [
        BODY,
        "{'error': 'It broke.'}",
        "[{'type': 'extra_forbidden', 'loc': ('body', 'seed'), 'msg': 'x'}]",
    ],
)
def test_a_body_behind_a_printed_value_is_read(text: str) -> None:
    report = "bad response status code 400, message: "
    found = undecorated(f"{report}{text}\n, body: {BODY} (request id: a)")
    assert found == Undecorated(text, (400,), json.loads(BODY))


def test_what_one_relay_appends_within_anothers_report_is_taken_off() -> None:
    message = f"bad response status code 400, message: It broke. (request id: a), body: {BODY}"
    assert undecorated(message) == Undecorated("It broke.", (400,), json.loads(BODY))


@pytest.mark.parametrize(
    ("decorated", "text"),
    [
        ('It broke, body: {"error": {"mess', "It broke"),
        ("It broke, body: nothing", "It broke, body: nothing"),
        ('{"a": "b, body: {}"}', '{"a": "b, body: {}"}'),
        ('{"a": "b, body: {} cut off', '{"a": "b, body: {} cut off'),
    ],
)
def test_a_body_that_is_cut_off_or_none_is_nothing(decorated: str, text: str) -> None:
    assert undecorated(decorated) == Undecorated(text)


@pytest.mark.parametrize(
    "message",
    [
        "The user wrote: It broke.",
        "The user wrote: error: It broke.",
        "zzz PROVIDER: It broke.",
        "your API error: It broke.",
        "calls to upstream: It broke.",
        "It broke (see below)",
        "It broke (request id: a) twice",
        "It broke (request id: a) (b)",
        "There is None",
        'Failed to load model "x". Error: Model is not embedding.',
        "model: claude",
        "404 page not found",
        "400 tokens are too many",
        "128 non-empty strings at most",
        "[the user's] [400]: It broke.",
        "[1] It broke.",
        "It broke (reset after a while ago, they say)",
        "Look! status: fine",
        "Provider returned error",
        "Response with id 'resp_1' not found.",
        # what follows these is the user's, or the model's
        f"Bad request body: {BODY}",
        f"request {BODY}",
        "Unexpected message: It broke.",
        "Bad response: It broke.",
        "message: It broke.",
        # a report of nothing
        "Error:",
        "400",
    ],
)
def test_what_is_part_of_the_message_stays(message: str) -> None:
    assert undecorated(message) == Undecorated(message)


@pytest.mark.parametrize(
    "report",
    [
        "Upstream error from DeepInfra: ",
        "Upstream error from Amazon Bedrock: ",
        "INVALID_ARGUMENT: ",
        "BAD_REQUEST: Bad request: ",
        "Bad request: rpc error: code = InvalidArgument desc = ",
    ],
)
def test_reports_of_openrouter_and_of_grpc_go(report: str) -> None:
    assert undecorated(f"{report}It broke.") == Undecorated("It broke.")
    assert undecorated(f"You wrote: {report}It broke.") == Undecorated(
        f"You wrote: {report}It broke."
    )


def test_a_limit_that_grpc_reports_stays_one() -> None:
    message = "rpc error: code = ResourceExhausted desc = too many requests"
    assert undecorated(message).text == message


@pytest.mark.parametrize(
    "preface",
    [
        "The model returned the following errors: ",
        "This request is not valid. Check the model name and other parameters.\nAdditional info: ",
    ],
)
def test_a_sentence_before_the_providers_words_goes(preface: str) -> None:
    assert undecorated(f"400: {preface}It broke.") == Undecorated("It broke.", (400,))
    assert undecorated(f"You wrote: {preface}It broke.").text.startswith("You wrote: ")


def test_endless_decorations_are_taken_off_in_part() -> None:
    prefixes, suffixes = "400: " * 30, " (request id: a)" * 10
    found = undecorated(f"{prefixes}It broke.{suffixes}")
    assert found.text == "400: " * 6 + "It broke." + " (request id: a)" * 4
    assert found.statuses == (400,) * 24


@given(st.text())
def test_undecorating_never_raises_and_never_adds(message: str) -> None:
    assert undecorated(message).text in message


@given(st.text(max_size=40), st.sampled_from(["", "error ", "bad request ", "upstream "]))
def test_a_foreign_word_ends_a_report(text: str, before: str) -> None:
    message = f"{before}zzz {text}: It broke."
    assert undecorated(message).text.startswith(before.strip() + " zzz" if before else "zzz")
