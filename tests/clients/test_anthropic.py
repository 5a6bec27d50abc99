"""Anthropic's SDKs over a socket, with models at each of the four endpoints."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.config.settings import ModelRule
from gateway.shapes import Json, Shape
from tests.clients.anthropic_client import SDKS, AnthropicClient, anthropic_client
from tests.clients.running import Stage, stage
from tests.rows import module_fixture

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

AT_CHAT, AT_RESPONSES, AT_COMPLETIONS, AT_MESSAGES = (
    "held-to-chat",
    "gpt-5-codex",
    "davinci-002",
    "claude-demo-opus-5",
)
RULES = (ModelRule(AT_CHAT, model="gpt-4o-mini", endpoints=(Shape.CHAT,)),)
PATHS = {
    AT_CHAT: "POST /v1/chat/completions",
    AT_RESPONSES: "POST /v1/responses",
    AT_COMPLETIONS: "POST /v1/completions",
    AT_MESSAGES: "POST /v1/messages",
}
AGENTS = (AT_CHAT, AT_RESPONSES, AT_MESSAGES)
"""The models that take tools, pictures and schemas."""
HELLO = [{"role": "user", "content": "Hello there"}]
SIDES = {
    "type": "object",
    "properties": {"sides": {"type": "integer"}},
    "required": ["sides"],
    "additionalProperties": False,
}
TOOLS = [
    {"name": "dice", "description": "Roll a dice.", "input_schema": SIDES},
    {"name": "clock", "input_schema": {"type": "object", "properties": {}}},
]
PNG = "iVBORw0KGgo="
PDF = "JVBERi0xLjQK"
FORMAT = {
    "type": "json_schema",
    "schema": {
        "type": "object",
        "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
        "required": ["name", "age"],
        "additionalProperties": False,
    },
}


@module_fixture
def running() -> Iterator[Stage]:
    with stage(*RULES, with_anthropic=True) as both:
        yield both


@pytest.fixture(scope="module", params=SDKS)
def process(running: Stage, request: pytest.FixtureRequest) -> Iterator[AnthropicClient]:
    # Anthropic's SDKs want the address without /v1.
    with anthropic_client(request.param, running.base_url.removesuffix("/v1")) as made:
        yield made


@pytest.fixture
def sdk(running: Stage, process: AnthropicClient) -> AnthropicClient:
    running.upstream.journal.clear()
    return process


def text_of(message: Json) -> str:
    return "".join(block["text"] for block in message["content"] if block["type"] == "text")


def calls_of(message: Json) -> list[tuple[str, Json]]:
    blocks = message["content"]
    return [(each["name"], each["input"]) for each in blocks if each["type"] == "tool_use"]


@pytest.mark.alone
@pytest.mark.parametrize("model", PATHS)
def test_texts_whole_and_streamed(sdk: AnthropicClient, running: Stage, model: str) -> None:
    # A base model would continue it.
    asked: Json = {"messages": HELLO} | ({"system": "Be brief."} if model in AGENTS else {})
    whole = sdk.create(model=model, **asked)
    assert "Hello there" in text_of(whole)
    assert (whole["model"], whole["role"], whole["stop_reason"]) == (model, "assistant", "end_turn")
    assert whole["usage"]["input_tokens"] > 0
    streamed = sdk.call("messages.stream", model=model, max_tokens=500, **asked)
    assert text_of(streamed.good) == text_of(whole)
    assert streamed.good["stop_reason"] == "end_turn"
    assert streamed.good["usage"]["input_tokens"] == whole["usage"]["input_tokens"]
    assert streamed.good["usage"]["output_tokens"] == whole["usage"]["output_tokens"]
    assert streamed.events[0] == "message_start"
    assert streamed.events[-1] == "message_stop"
    assert running.upstream_paths()[-1] == PATHS[model]


@pytest.mark.parametrize("model", PATHS)
def test_headers_of_anthropics_reach_its_models_only(
    sdk: AnthropicClient, running: Stage, model: str
) -> None:
    sdk.create(model=model, messages=HELLO)
    headers = running.upstream.journal[-1].headers
    if model == AT_MESSAGES:
        assert headers["anthropic-version"] in ("2023-06-01", "2026-10-21")
        assert headers["x-api-key"] == "sk-test"
    else:
        assert headers["authorization"] == "Bearer sk-test"
        assert not [name for name in headers if name.startswith(("anthropic-", "x-api-key"))]


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("model", AGENTS)
def test_two_tools_at_once(sdk: AnthropicClient, model: str, streamed: bool) -> None:
    ask = sdk.stream if streamed else sdk.create
    asked = [{"role": "user", "content": "call dice, then call clock"}]
    first = ask(model=model, messages=asked, tools=TOOLS)
    assert first["stop_reason"] == "tool_use"
    assert calls_of(first) == [("dice", {"sides": 1}), ("clock", {})]
    ids = [block["id"] for block in first["content"] if block["type"] == "tool_use"]
    results = [
        {"type": "tool_result", "tool_use_id": ids[0], "content": "4"},
        {
            "type": "tool_result",
            "tool_use_id": ids[1],
            "content": [{"type": "text", "text": "it is stopped"}],
            "is_error": True,
        },
    ]
    conversation = [
        *asked,
        {"role": "assistant", "content": first["content"]},
        {"role": "user", "content": results},
    ]
    second = ask(model=model, messages=conversation, tools=TOOLS)
    assert second["stop_reason"] == "end_turn"
    assert text_of(second).startswith("The tool said: ")
    assert "it is stopped" in text_of(second)


@pytest.mark.parametrize("model", AGENTS)
def test_a_choice_of_tools(sdk: AnthropicClient, model: str) -> None:
    one = {"type": "auto", "disable_parallel_tool_use": True}
    asked = [{"role": "user", "content": "call dice, then call clock"}]
    serial = sdk.create(model=model, messages=asked, tools=TOOLS, tool_choice=one)
    assert calls_of(serial) == [("dice", {"sides": 1})]
    named = {"type": "tool", "name": "clock"}
    forced = sdk.create(model=model, messages=HELLO, tools=TOOLS, tool_choice=named)
    assert calls_of(forced) == [("clock", {})]
    none = sdk.create(model=model, messages=asked, tools=TOOLS, tool_choice={"type": "none"})
    assert calls_of(none) == []


@pytest.mark.parametrize("model", AGENTS)
def test_pictures_and_documents(sdk: AnthropicClient, running: Stage, model: str) -> None:
    content = [
        {"type": "text", "text": "see "},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}},
        {
            "type": "document",
            "source": {"type": "base64", "media_type": "application/pdf", "data": PDF},
            "title": "report.pdf",
        },
    ]
    seen = sdk.create(model=model, messages=[{"role": "user", "content": content}])
    kinds = {
        AT_CHAT: "[image_url][file]",
        AT_RESPONSES: "[input_image][input_file]",
        AT_MESSAGES: "[image][document]",
    }
    assert text_of(seen) == f"You said: see {kinds[model]}"
    sent = running.upstream.journal[-1].body
    assert PNG.encode() in sent
    assert PDF.encode() in sent


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("model", [AT_RESPONSES, AT_MESSAGES])
def test_thinking_is_given_back(
    sdk: AnthropicClient, running: Stage, model: str, streamed: bool
) -> None:
    ask = sdk.stream if streamed else sdk.create
    thinking = {"type": "adaptive"}
    first = ask(model=model, messages=HELLO, thinking=thinking)
    kinds = [block["type"] for block in first["content"]]
    # The emulator's OpenAI shows nothing of the reasoning.
    hidden = "redacted_thinking" if model == AT_RESPONSES else "thinking"
    assert kinds == [hidden, "text"]
    assert first["usage"]["output_tokens"] > 8
    conversation = [
        *HELLO,
        {"role": "assistant", "content": first["content"]},
        {"role": "user", "content": "Go on"},
    ]
    second = ask(model=model, messages=conversation, thinking=thinking)
    assert text_of(second) == "You said: Go on"
    sent = json.loads(running.upstream.journal[-1].body)
    if model == AT_RESPONSES:
        assert sent["include"] == ["reasoning.encrypted_content"]
        (reasoning,) = [item for item in sent["input"] if item.get("type") == "reasoning"]
        assert reasoning["encrypted_content"]
    else:
        assert sent["messages"][1]["content"][0] == first["content"][0]


def test_thinking_does_not_pass_from_one_maker_to_the_other(
    sdk: AnthropicClient, running: Stage
) -> None:
    thinking = {"type": "adaptive"}
    for first, second in ((AT_RESPONSES, AT_MESSAGES), (AT_MESSAGES, AT_RESPONSES)):
        begun = sdk.create(model=first, messages=HELLO, thinking=thinking)
        conversation = [
            *HELLO,
            {"role": "assistant", "content": begun["content"]},
            {"role": "user", "content": "Go on"},
        ]
        ended = sdk.create(model=second, messages=conversation, thinking=thinking)
        assert text_of(ended) == "You said: Go on"
        sent = running.upstream.journal[-1].body
        assert b"thinking" not in json.dumps(json.loads(sent).get("messages")).encode()
        assert b"gw1." not in sent


@pytest.mark.parametrize("model", AGENTS)
def test_a_schema_is_kept(sdk: AnthropicClient, model: str) -> None:
    made = sdk.create(model=model, messages=HELLO, output_config={"format": FORMAT})
    assert json.loads(text_of(made)) == {"name": "Hello there", "age": 1}


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("model", PATHS)
def test_the_stop_sequence_is_named(sdk: AnthropicClient, model: str, streamed: bool) -> None:
    ask = sdk.stream if streamed else sdk.create
    cut = ask(model=model, messages=HELLO, stop_sequences=["never", " there"])
    assert text_of(cut).endswith("Hello")
    assert (cut["stop_reason"], cut["stop_sequence"]) == ("stop_sequence", " there")


@pytest.mark.parametrize("model", PATHS)
def test_the_limit_is_kept(sdk: AnthropicClient, model: str) -> None:
    counting = [{"role": "user", "content": "!count 99"}]
    cut = sdk.create(model=model, messages=counting, max_tokens=20)
    assert cut["stop_reason"] == "max_tokens"
    assert cut["usage"]["output_tokens"] == 20


def test_a_refusal_is_a_stop_reason_with_details(sdk: AnthropicClient) -> None:
    for model in AGENTS:
        refusing = sdk.create(model=model, messages=[{"role": "user", "content": "!refuse it"}])
        assert refusing["stop_reason"] == "refusal"
        assert refusing["stop_details"]["type"] == "refusal"


@pytest.mark.parametrize("model", AGENTS)
def test_the_sdk_runs_a_tool_itself(sdk: AnthropicClient, running: Stage, model: str) -> None:
    """Those of late 2026 have the server keep the conversation, unless it says that it cannot."""
    asked = [{"role": "user", "content": "please call weather"}]
    run = sdk.call("beta.tool_runner", model=model, messages=asked, max_tokens=500)
    assert text_of(run.good) == "The tool said: sunny: please call weather"
    served = [each for each in running.upstream.journal if each.status == 200 and each.body]
    assert len(served) == 2
    assert "thread" not in json.loads(served[-1].body)


def test_tokens_are_counted_where_a_server_does(sdk: AnthropicClient) -> None:
    for model in (AT_RESPONSES, AT_MESSAGES):
        counted = sdk.call("messages.count_tokens", model=model, messages=HELLO).good
        sent = sdk.create(model=model, messages=HELLO)
        assert counted["input_tokens"] == sent["usage"]["input_tokens"]
    nowhere = sdk.call("messages.count_tokens", model=AT_COMPLETIONS, messages=HELLO).failure
    assert (nowhere["class"], nowhere["status"]) == ("NotFoundError", 404)


def test_models_of_both_services_are_listed(sdk: AnthropicClient) -> None:
    for limit in (1000, 2):
        listed = sdk.call("models.list", limit=limit).items
        ids = [card["id"] for card in listed]
        assert {AT_CHAT, "davinci-002", AT_MESSAGES} <= set(ids)
        assert len(set(ids)) == len(ids)
        assert {card["type"] for card in listed} == {"model"}
    card = sdk.call("models.retrieve", model_id=AT_MESSAGES).good
    assert card["display_name"] == "Claude Demo Opus 5"
    assert sdk.call("models.retrieve", model_id="davinci-002").good["display_name"]


@pytest.mark.parametrize("model", PATHS)
@pytest.mark.parametrize(
    ("words", "status", "classes", "kind"),
    [
        ("!429", 429, {"RateLimitError"}, "rate_limit_error"),
        ("!500", 500, {"InternalServerError"}, "api_error"),
        ("!529", 529, {"OverloadedError", "InternalServerError"}, "overloaded_error"),
    ],
)
def test_an_upstreams_failure_raises_its_exception(
    sdk: AnthropicClient, model: str, words: str, status: int, classes: set[str], kind: str
) -> None:
    for method in ("messages.create", "messages.stream"):
        asked = [{"role": "user", "content": words}]
        error = sdk.call(method, model=model, messages=asked, max_tokens=500).failure
        # A failure of another endpoint is one of the gateway's upstream.
        passed_on = status != 500 or model == AT_MESSAGES
        assert (error["status"], error["type"]) == (status if passed_on else 502, kind)
        assert error["class"] in classes
        assert error["request_id"]


@pytest.mark.parametrize("command", ["!fail-midstream", "!truncate", "!unfinished"])
@pytest.mark.parametrize("model", [AT_CHAT, AT_RESPONSES, AT_COMPLETIONS])
def test_a_broken_stream_raises(sdk: AnthropicClient, model: str, command: str) -> None:
    asked = [{"role": "user", "content": f"{command} one two"}]
    failed = sdk.call("messages.stream", model=model, messages=asked, max_tokens=500)
    assert failed.failure["type"] == "api_error"


def test_a_stream_that_fails_at_home_raises_what_the_server_says(sdk: AnthropicClient) -> None:
    asked = [{"role": "user", "content": "!fail-midstream one two"}]
    failed = sdk.call("messages.stream", model=AT_MESSAGES, messages=asked, max_tokens=500)
    assert (failed.failure["type"], failed.failure["message"]) == (
        "api_error",
        "Internal server error",
    )


def test_what_the_client_did_wrong_is_named_in_its_own_words(sdk: AnthropicClient) -> None:
    key = sdk.call("messages.create", key="nope", model=AT_CHAT, messages=HELLO, max_tokens=9)
    assert (key.failure["class"], key.failure["type"]) == (
        "AuthenticationError",
        "authentication_error",
    )
    missing = sdk.call("messages.create", model="nope", messages=HELLO, max_tokens=9).failure
    assert (missing["class"], missing["type"]) == ("NotFoundError", "not_found_error")
    assert missing["message"].startswith("model: nope")
    for model in (AT_CHAT, AT_RESPONSES):
        block: Any = {"type": "tool_result", "tool_use_id": "x", "content": "y"}
        wrong = [{"role": "user", "content": [block]}]
        error = sdk.call("messages.create", model=model, messages=wrong, max_tokens=9).failure
        assert (error["class"], error["type"]) == ("BadRequestError", "invalid_request_error")
        assert "messages.0.content.0" in error["message"]
    tools = sdk.call(
        "messages.create", model=AT_COMPLETIONS, messages=HELLO, tools=TOOLS, max_tokens=9
    ).failure
    assert tools["class"] == "BadRequestError"
    assert "'tools' is not supported for model 'davinci-002'" in tools["message"]
    assert "agents cannot run on it, but on models with a chat, " in tools["message"]
