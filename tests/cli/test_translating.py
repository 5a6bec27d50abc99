"""`gateway translate` without --to, and with replies."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.commands import run

CHAT = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}]}
COMPLETION = {"model": "gpt-4o-mini", "prompt": "Hi", "max_tokens": 5}
REPLY = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt-4o-mini",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Hello."},
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}


def chunk(delta: dict[str, Any], reason: str | None = None) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    event = {**REPLY, "object": "chat.completion.chunk", "choices": [choice], "usage": None}
    return f"data: {json.dumps(event)}\n\n"


STREAM = (
    f"{chunk({'role': 'assistant', 'content': ''})}{chunk({'content': 'Hello.'})}"
    f"{chunk({}, 'stop')}data: [DONE]\n\n"
)


def replied(
    folder: Path, body: dict[str, Any], *replies: str, client: str = "completions"
) -> tuple[int, str]:
    """Translate a request, of completions by default, and replies of the chat endpoint to it."""
    options = ["translate", "--from", client, "--to", "chat"]
    for number, reply in enumerate(replies):
        path = folder / f"{number}.txt"
        path.write_text(reply)
        options += ["--reply", str(path)]
    result = run(*options, stdin=json.dumps(body))
    return result.exit_code, result.output


INPUT = {"model": "gpt-4o-mini", "input": "Hi"}


def test_a_body_of_responses_is_looked_up_as_such(config: Path) -> None:
    result = run("translate", "--from", "chat", "--config", str(config), stdin=json.dumps(INPUT))
    assert result.exit_code == 0, result.output
    assert [call["path"] for call in json.loads(result.output)["calls"]] == ["/v1/responses"]


def test_the_reply_to_a_body_of_responses_is_chats(tmp_path: Path) -> None:
    status, output = replied(tmp_path, INPUT, json.dumps(REPLY), client="chat")
    assert status == 0, output
    reply = json.loads(output)["reply"]
    assert reply["object"] == "chat.completion"
    assert reply["choices"][0]["message"]["content"] == "Hello."
    status, output = replied(tmp_path, {**INPUT, "stream": True}, STREAM, client="chat")
    assert status == 0, output
    events = json.loads(output)["events"]
    assert events[-1] == "data: [DONE]"
    assert "Hello." in "".join(events)
    broken = f"{chunk({'content': 'Hel'})}data: {json.dumps({'error': {'message': 'No.'}})}\n\n"
    status, output = replied(tmp_path, {**INPUT, "stream": True}, broken, client="chat")
    assert (status, json.loads(output)["error"]["message"]) == (1, "No.")


def test_the_endpoint_is_looked_up(config: Path) -> None:
    body = json.dumps({**CHAT, "model": "acme-writer-v2"})
    result = run("translate", "--from", "chat", "--config", str(config), stdin=body)
    assert result.exit_code == 0, result.output
    printed = json.loads(result.output)
    assert [call["path"] for call in printed["calls"]] == ["/v1/completions"]
    assert printed["route"] == {"upstream": "openai", "resolved_by": "job"}


def test_the_upstream_is_a_choice() -> None:
    body = json.dumps(CHAT)
    upstream = "http://127.0.0.1:1/v1"
    result = run("translate", "--from", "chat", "--upstream", upstream, stdin=body)
    assert json.loads(result.output)["route"]["upstream"] == "command-line"


@pytest.mark.parametrize("streamed", [False, True])
def test_the_report_has_what_is_lost_of_the_reply(tmp_path: Path, *, streamed: bool) -> None:
    cited = {"role": "assistant", "content": "Hello.", "annotations": [{"type": "url_citation"}]}
    whole = {**REPLY, "choices": [{"index": 0, "message": cited, "finish_reason": "stop"}]}
    reply = f"{chunk(cited)}{chunk({}, 'stop')}data: [DONE]\n\n" if streamed else json.dumps(whole)
    body = {**CHAT, "max_tokens": 9, "stream": streamed}
    code, output = replied(tmp_path, body, reply, client="messages")
    assert code == 0, output
    assert json.loads(output)["report"]["dropped"] == ["annotations"]


def test_a_reply_is_shown_as_the_client_gets_it(tmp_path: Path) -> None:
    code, output = replied(tmp_path, COMPLETION, json.dumps(REPLY))
    reply = json.loads(output)["reply"]
    assert (code, reply["object"]) == (0, "text_completion")
    assert reply["choices"][0]["text"] == "Hello."
    assert "route" not in json.loads(output)


def test_events_are_folded_for_a_request_that_is_not_streamed(tmp_path: Path) -> None:
    _, output = replied(tmp_path, COMPLETION, STREAM)
    assert json.loads(output)["reply"]["choices"][0]["text"] == "Hello."


def test_a_stream_is_shown_event_by_event(tmp_path: Path) -> None:
    code, output = replied(tmp_path, {**COMPLETION, "stream": True}, STREAM)
    *events, last = json.loads(output)["events"]
    assert (code, last) == (0, "data: [DONE]")
    texts = [json.loads(event.removeprefix("data: "))["choices"][0]["text"] for event in events]
    assert "".join(texts) == "Hello."


def test_a_stream_that_breaks_off_is_an_error(tmp_path: Path) -> None:
    cut = STREAM.partition("data: [DONE]")[0].rpartition("data: ")[0]
    code, output = replied(tmp_path, {**COMPLETION, "stream": True}, cut)
    assert code == 1
    assert json.loads(output)["error"]["code"] == "upstream_stream_truncated"


@pytest.mark.parametrize("form", ["{}", "data: {}\n\n"])
def test_an_error_is_shown_in_the_clients_words(tmp_path: Path, form: str) -> None:
    error = {"message": "Bad 'messages'.", "type": "invalid_request_error", "param": "messages"}
    code, output = replied(tmp_path, COMPLETION, form.format(json.dumps({"error": error})))
    assert code == 1
    assert json.loads(output)["error"]["param"] == "prompt"


@pytest.mark.parametrize(
    ("prompt", "replies", "calls"), [(["one", "two"], 1, "2 calls"), ("one", 2, "1 call")]
)
def test_there_is_a_reply_for_each_call(
    tmp_path: Path, prompt: Any, replies: int, calls: str
) -> None:
    body = {**COMPLETION, "prompt": prompt}
    code, output = replied(tmp_path, body, *[json.dumps(REPLY)] * replies)
    assert code == 1
    assert f"the request becomes {calls}; give --reply for each" in output
