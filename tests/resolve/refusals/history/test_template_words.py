"""What chat templates raise is a refusal, also where servers take it for a fault of their own."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from gateway.config.settings import ModelRule, UpstreamSettings
from gateway.resolve.refusals.classify import Verdict, classify
from gateway.resolve.refusals.history.template_words import is_of_template
from gateway.resolve.refusals.parameter_fixes import ParameterFix
from gateway.shapes import Json, Shape, UpstreamCall
from tests import kinds
from tests.exchange.scene import Scene, chat_completion, completion
from tests.fakes import Answer, FakeReply, json_reply

FIRST = "System message must be at the beginning."
NONE = "System role not supported"
ONE_CALL = "This model only supports single tool-calls at once!"
NO_TEMPLATE = (
    "Cannot use chat template functions because tokenizer.chat_template is not set and no template "
    "argument was passed!"
)
PLACE = (
    "\n------------\nWhile executing CallExpression at line 85, column 32 in source:\n"
    "...first %}↵            {{- raise_exception('System message must be at the beginnin...\n"
    "                                           ^\nError: "
)


def llama_cpp(words: str) -> Json:  # ollama#18241, Lyra-Code#30
    message = f"{PLACE}Jinja Exception: {words}"
    return {"error": {"code": 500, "message": message, "type": "server_error"}}


def minja(words: str) -> Json:  # jan#6254, opencode#5034
    message = f"{words} at row 19, column 27:\n {{%- if (message['role'] == 'user') -%}}\n"
    return {"error": {"code": 500, "message": message, "type": "server_error"}}


def sglang(words: str) -> Json:  # serving_base.py of 0.4
    message = f"Internal server error: {words}"
    kind = "InternalServerError"
    return {"object": "error", "message": message, "type": kind, "param": None, "code": 500}


def llama_cpp_python(words: str) -> Json:  # server/errors.py
    error = {"message": words, "type": "internal_server_error", "param": None, "code": None}
    return {"error": error}


def lm_studio(words: str) -> Json:  # lmstudio-bug-tracker#1586, #2298
    return {"error": f'Error rendering prompt with jinja template: "{words}".\n\nThis is usually …'}


def ollama(words: str) -> Json:  # ollama#18241
    inner = msgspec.json.encode(llama_cpp(words)).decode()
    return {"error": {"message": f"500 Internal Server Error: {inner}", "type": "api_error"}}


def ollama_at_messages(words: str) -> Json:  # ollama#17906
    return {"type": "error", "error": {"type": "api_error", "message": f"Jinja Exception: {words}"}}


def mlxcel(words: str) -> Json:
    return {"error": {"message": f"the model's chat template rejected this request: {words}"}}


Server = Callable[[str], Json]
SERVERS = [
    *(llama_cpp, minja, sglang, llama_cpp_python, lm_studio),
    *(ollama, ollama_at_messages, mlxcel),
]


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize(
    ("words", "field"), [(FIRST, "role"), (NONE, "roles"), (ONE_CALL, "tool_calls")]
)
def test_a_500_in_a_templates_words_is_a_refusal(server: Server, words: str, field: str) -> None:
    refusal = classify(Shape.CHAT, 500, server(words), model="m", sent={"messages"})
    assert refusal.verdict is Verdict.UNSUPPORTED_PARAMETER
    assert [(fix.action, fix.name) for fix in refusal.fixes] == [("fill", field)]
    assert refusal.model_is_here


@pytest.mark.parametrize("server", SERVERS)
def test_so_it_is_for_messages_within_a_conversation(server: Server) -> None:
    refusal = classify(Shape.MESSAGES, 500, server(FIRST), model="m", sent={"messages"})
    assert [fix.action for fix in refusal.fixes] == ["retell"]


@pytest.mark.parametrize("server", [minja, sglang, llama_cpp_python])
def test_a_500_about_a_missing_template_names_the_endpoint(server: Server) -> None:
    refusal = classify(Shape.CHAT, 500, server(NO_TEMPLATE), model="m", sent={"messages"})
    assert refusal.verdict is Verdict.WRONG_ENDPOINT
    assert refusal.alternatives == (Shape.COMPLETIONS,)


EFFORT = "Unexpected reasoning effort high. Supported types are xhigh (default), medium, and low."
K2 = "Unsupported reasoning_effort: 'high'. Supported values: medium, low."
NAMES = {
    Shape.CHAT: "reasoning_effort",
    Shape.RESPONSES: "reasoning.effort",
    Shape.MESSAGES: "output_config.effort",
}


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize(("words", "nearest"), [(EFFORT, "xhigh"), (K2, "medium")])
@pytest.mark.parametrize(("called", "name"), NAMES.items())
@pytest.mark.parametrize("status", [400, 500])
def test_an_effort_that_a_template_refuses_is_replaced_whatever_the_status(
    server: Server, words: str, nearest: str, called: Shape, name: str, status: int
) -> None:
    sent = {name, name.partition(".")[0], f"high={name}"}
    refusal = classify(called, status, server(words), model="m", sent=sent)
    assert refusal.verdict is Verdict.UNSUPPORTED_PARAMETER
    assert refusal.fixes == (ParameterFix("replace", name, nearest, "high"),)


@pytest.mark.parametrize(("called", "name"), NAMES.items())
def test_an_effort_that_the_server_has_made_of_another_is_dropped(called: Shape, name: str) -> None:
    sent = {name, f"xhigh={name}"}
    refusal = classify(called, 500, llama_cpp_python(EFFORT), model="m", sent=sent)
    assert refusal.fixes == (ParameterFix("drop", name, given="xhigh"),)


FAULTS = [
    "CUDA out of memory",
    "Expecting value: line 1 column 1 (char 0)",
    "The user asked why the System role is not supported",
    "The user wrote: Jinja Exception: System role not supported",
    "The user wrote: Error rendering prompt with jinja template: 'System role not supported",
    "Unexpected reasoning effort",
    "Jinja Exception: No user query found in messages.",
    "The model `m` does not exist",
    "Unsupported parameter: 'top_k'",
    "",
]


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("words", FAULTS)
def test_any_other_500_is_none(server: Server, words: str) -> None:
    body = server(words)
    assert classify(Shape.CHAT, 500, body, model="m", sent={"messages"}).verdict is Verdict.OTHER
    assert not is_of_template(words)


@pytest.mark.parametrize("status", [401, 403, 429, 502, 503, 529])
def test_nor_is_another_fault_in_these_words(status: int) -> None:
    sent = {"messages", "reasoning_effort", "high=reasoning_effort"}
    for words in (FIRST, NONE, NO_TEMPLATE, ONE_CALL, EFFORT, K2):
        refusal = classify(Shape.CHAT, status, sglang(words), model="m", sent=sent)
        assert refusal.verdict is Verdict.OTHER


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("client", [Shape.CHAT, Shape.RESPONSES])
def test_a_request_is_served_in_spite_of_it(server: Server, client: Shape) -> None:
    def answer(call: UpstreamCall) -> Answer:
        if call.method == "GET":
            return json_reply({"data": []})
        assert isinstance(call.body, bytes)
        roles = [each["role"] for each in msgspec.json.decode(call.body)["messages"]]
        if "system" not in roles[1:]:
            return json_reply(chat_completion())
        body = msgspec.json.encode(server(FIRST))
        return FakeReply(500, ((b"content-type", b"application/json"),), (body,))

    turns = [{"role": role, "content": role} for role in ("system", "user", "system")]
    body: dict[str, Any] = {"model": "m", "messages" if client is Shape.CHAT else "input": turns}
    upstream = UpstreamSettings("up", "http://up.example/v1", kinds.LLAMACPP)
    stage = Scene(answer, upstream, rules=(ModelRule("m", endpoints=(Shape.CHAT,)),))
    for attempts in (2, 1):
        served = stage.generate(client, body)
        assert (served.reply.status, served.decision.attempts) == (200, attempts)


def test_a_base_model_whose_server_fails_at_chat_is_found() -> None:
    def answer(call: UpstreamCall) -> Answer:
        if call.path == "/completions":
            return json_reply(completion())
        if call.path != "/chat/completions":
            return json_reply({"data": []}, 404)
        body = msgspec.json.encode(sglang(NO_TEMPLATE))
        return FakeReply(500, ((b"content-type", b"application/json"),), (body,))

    upstream = UpstreamSettings("up", "http://up.example/v1", kinds.SGLANG)
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
    assert Scene(answer, upstream).generate(Shape.CHAT, body).reply.status == 200
