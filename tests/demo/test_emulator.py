"""The whole emulator: its routes in process, and its server with the real OpenAI client."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from gateway.demo import emulator
from gateway.demo.emulator import Served
from gateway.demo.models import PRIVATE_KEY, PRIVATE_MODEL
from tests.demo.client import ask, post
from tests.rows import module_fixture
from tests.waiting import PATIENCE

APP = emulator.build()


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("POST", "/v1/edits", (404, "Invalid URL (POST /v1/edits)", None, None)),
        ("POST", "/chat/completions", (404, "Invalid URL (POST /chat/completions)", None, None)),
        ("GET", "/v1/models/", (404, "Invalid URL (GET /v1/models/)", None, None)),
        (
            "GET",
            "/v1/chat/completions",
            (
                405,
                (
                    "Not allowed to GET on /v1/chat/completions. (HINT: Perhaps you meant to use a"
                    " different HTTP method?)"
                ),
                None,
                "method_not_supported",
            ),
        ),
        ("GET", "/v1/responses/resp_1", (404, "Response with id 'resp_1' not found.", None, None)),
    ],
)
def test_an_unknown_route_is_refused_in_openais_words(
    method: str, path: str, expected: tuple[int, str, str | None, str | None]
) -> None:
    assert ask(APP, method, path).error() == expected


@pytest.mark.parametrize("path", ["/v1/completions", "/v1/chat/completions", "/v1/responses"])
def test_a_model_must_be_named(path: str) -> None:
    assert post(APP, path, input="x").error() == (
        400,
        "you must provide a model parameter",
        None,
        None,
    )
    assert post(APP, path, model=1).error()[2:] == ("model", "invalid_type")


def test_no_key_no_service() -> None:
    assert ask(APP, "GET", "/v1/models", key=None).error()[0] == 401
    assert ask(APP, "POST", "/v1/completions", {}, key="nope").error()[3] == "invalid_api_key"


def test_ids_are_numbered_and_times_stand_still() -> None:
    app = emulator.build()
    first, second = (post(app, "/v1/completions", model="davinci-002", prompt="x") for _ in "ab")
    assert first.json()["id"] != second.json()["id"]
    assert first.json() | {"id": ""} == second.json() | {"id": ""}
    assert first.json()["created"] == emulator.CREATED


def test_the_journal_has_what_came_with_its_status() -> None:
    app = emulator.build(journal_size=2)
    post(app, "/v1/completions", model="davinci-002", prompt="x")
    post(app, "/v1/completions", model="nope", prompt="x")
    assert [record.status for record in app.journal] == [200, 404]
    ask(app, "GET", "/v1/models")
    assert [record.method for record in app.journal] == ["POST", "GET"]


def test_a_client_that_leaves_while_it_sends_is_written_down() -> None:
    app = emulator.build()

    async def leave(message: Any = None) -> Any:
        return {"type": "http.disconnect"}

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/completions",
        "query_string": b"",
        "headers": [(b"authorization", b"Bearer sk-1")],
    }
    asyncio.run(app(scope, leave, leave))
    assert app.journal[0].disconnected.is_set()
    assert app.journal[0].status is None


def test_only_http_and_websocket_are_spoken() -> None:
    async def nothing(message: Any = None) -> Any:
        raise AssertionError

    with pytest.raises(RuntimeError, match="HTTP and WebSocket, not lifespan"):
        asyncio.run(APP({"type": "lifespan"}, nothing, nothing))


@module_fixture
def served() -> Iterator[Served]:
    with emulator.serve() as running:
        yield running


@pytest.fixture
def client(served: Served) -> Iterator[openai.OpenAI]:
    served.journal.clear()
    with openai.OpenAI(base_url=served.base_url, api_key="sk-test", max_retries=0) as made:
        yield made


def test_the_client_lists_models_and_all_pages_of_jobs(client: openai.OpenAI) -> None:
    ids = [model.id for model in client.models.list()]
    assert "davinci-002" in ids
    assert client.models.retrieve("acme-support-v7").owned_by == "acme"
    jobs = {job.fine_tuned_model: job.model for job in client.fine_tuning.jobs.list()}
    assert jobs["acme-writer-v2"] == "davinci-002"
    (checkpoint,) = client.fine_tuning.jobs.checkpoints.list("ftjob-davinci")
    assert checkpoint.fine_tuned_model_checkpoint in ids


def test_the_client_completes_whole_and_streaming(client: openai.OpenAI) -> None:
    whole = client.completions.create(model="davinci-002", prompt="Once", logprobs=1)
    assert whole.choices[0].text == " [davinci-002 continues: Once]"
    stream = client.completions.create(model="davinci-002", prompt="Once", stream=True)
    assert "".join(chunk.choices[0].text for chunk in stream) == whole.choices[0].text


def test_the_client_chats_whole_and_streaming(client: openai.OpenAI) -> None:
    messages: list[Any] = [{"role": "user", "content": "hi 😀"}]
    whole = client.chat.completions.create(model="gpt-4o-mini", messages=messages)
    assert whole.choices[0].message.content == "You said: hi 😀"
    with client.chat.completions.stream(model="gpt-4o-mini", messages=messages, n=2) as stream:
        final = stream.get_final_completion()
    assert final.choices[0].message.content == "You said: hi 😀"
    assert final.choices[1].message.content == "You said: hi 😀 (take 2)"


def test_the_client_calls_tools_streaming(client: openai.OpenAI) -> None:
    tools: list[Any] = [
        {"type": "function", "function": {"name": name, "parameters": {"type": "object"}}}
        for name in ("clock", "dice")
    ]
    messages: list[Any] = [{"role": "user", "content": "call dice, then call clock"}]
    with client.chat.completions.stream(
        model="gpt-4o-mini", messages=messages, tools=tools
    ) as stream:
        choice = stream.get_final_completion().choices[0]
    assert choice.finish_reason == "tool_calls"
    calls = choice.message.tool_calls or []
    assert [call.function.name for call in calls] == ["dice", "clock"]


def test_the_client_gets_responses_whole_and_streaming(client: openai.OpenAI) -> None:
    whole = client.responses.create(model="o1-pro", input="hi")
    assert whole.output_text == "You said: hi"
    with client.responses.stream(model="o1-pro", input="hi") as stream:
        assert stream.get_final_response().output_text == "You said: hi"


def test_the_client_sees_errors_as_openais(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="Did you mean to use v1/chat/completions"):
        client.completions.create(model="gpt-4o-mini", prompt="x")
    with pytest.raises(openai.RateLimitError) as caught:
        client.completions.create(model="davinci-002", prompt="!429")
    assert caught.value.response.headers["retry-after"] == "20"
    with pytest.raises(openai.AuthenticationError):
        client.with_options(api_key="wrong").models.list()


@pytest.mark.parametrize("command", ["!fail-midstream", "!truncate"])
def test_the_client_sees_a_broken_stream_as_an_error(client: openai.OpenAI, command: str) -> None:
    stream = client.completions.create(model="davinci-002", prompt=f"{command} a b", stream=True)
    pieces: list[str] = []
    with pytest.raises(openai.APIError):
        pieces.extend(chunk.choices[0].text for chunk in stream)
    assert stream.response.status_code == 200


def test_a_truncated_stream_brings_its_first_events(served: Served) -> None:
    body = b'{"model":"davinci-002","prompt":"!truncate x","stream":true}'
    head = (
        b"POST /v1/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer sk-1\r\n"
        b"content-length: %d\r\n\r\n" % len(body)
    )
    host, port = served.base_url.removeprefix("http://").removesuffix("/v1").split(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as connection:
        connection.sendall(head + body)
        reply = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert reply.count(b"data: {") == 2
    assert not reply.endswith(b"0\r\n\r\n")


def test_the_private_model_answers_to_its_key_only(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError):
        client.completions.create(model=PRIVATE_MODEL, prompt="x")
    owner = client.with_options(api_key=PRIVATE_KEY)
    assert owner.completions.create(model=PRIVATE_MODEL, prompt="x").choices[0].text


def test_the_client_passes_files_and_media(client: openai.OpenAI) -> None:
    record = client.files.create(file=("a.bin", b"x" * 300_000), purpose="user_data")
    assert record.bytes == 300_000
    assert len(client.files.content("file-100000bytes").content) == 100_000
    vector = client.embeddings.create(model="text-embedding-3-small", input="x").data[0].embedding
    assert len(vector) == 1536
    assert client.moderations.create(input="violence").results[0].flagged
    sound = client.audio.speech.create(model="tts-1", input="hi", voice="alloy")
    assert len(sound.content) == 16 * 1024
    assert client.images.generate(prompt="a dot").data


def test_headers_and_query_are_in_the_journal(served: Served, client: openai.OpenAI) -> None:
    client.models.list(extra_headers={"x-mine": "yes"}, extra_query={"a": "b"})
    record = served.journal[0]
    assert (record.path, record.query) == ("/v1/models", "a=b")
    assert record.headers["x-mine"] == "yes"
    assert record.headers["authorization"] == "Bearer sk-test"


def test_a_client_that_offers_http_2_gets_its_reply(served: Served) -> None:
    """Java's HttpClient offers it with every request, unless told otherwise."""
    body = b'{"model":"davinci-002","prompt":"hello"}'
    head = (
        b"POST /v1/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer sk-1\r\n"
        b"connection: Upgrade, HTTP2-Settings, close\r\nupgrade: h2c\r\n"
        b"http2-settings: AAEAAEAA\r\ncontent-length: %d\r\n\r\n" % len(body)
    )
    host, port = served.base_url.removeprefix("http://").removesuffix("/v1").split(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as connection:
        connection.sendall(head + body)
        reply = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert reply.startswith(b"HTTP/1.1 200 ")
    assert b"[davinci-002 continues: hello]" in reply


def test_a_client_that_leaves_a_stream_is_noticed(served: Served, client: openai.OpenAI) -> None:
    with client.completions.create(model="davinci-002", prompt="!endless", stream=True) as stream:
        next(iter(stream))
    record = served.journal[0]
    assert record.disconnected.wait(PATIENCE)
    assert record.finished.wait(PATIENCE)


@pytest.mark.parametrize("stream", [True, False])
def test_a_slow_call_ends_when_a_test_releases_it(
    served: Served, client: openai.OpenAI, stream: bool
) -> None:
    replies: list[Any] = []

    def call() -> None:
        body: dict[str, Any] = {"model": "davinci-002", "prompt": "!slow"}
        reply = client.completions.create(**body, stream=stream)
        replies.extend(reply if stream else [reply])

    thread = threading.Thread(target=call)
    thread.start()
    assert served.journal.wait_for(1, PATIENCE)
    record = served.journal[0]
    while not record.finished.wait(0.01):
        served.release()
    thread.join(PATIENCE)
    assert not record.disconnected.is_set()
    assert replies


def test_two_emulators_run_side_by_side_and_stop() -> None:
    before = threading.active_count()
    with (
        emulator.serve(emulator.build(keys={"one": ["davinci-002"]})) as one,
        emulator.serve() as two,
    ):
        assert one.base_url != two.base_url
        client = openai.OpenAI(base_url=one.base_url, api_key="one", max_retries=0)
        assert [model.id for model in client.models.list()] == ["davinci-002"]
        assert len(two.journal) == 0
        stream = openai.OpenAI(base_url=two.base_url, api_key="sk-1").completions.create(
            model="davinci-002", prompt="!endless", stream=True
        )
        next(iter(stream))
        client.close()
    with pytest.raises(openai.APIError):
        list(stream)
    with pytest.raises(openai.APIConnectionError):
        openai.OpenAI(base_url=one.base_url, api_key="one", max_retries=0).models.list()
    assert threading.active_count() == before
