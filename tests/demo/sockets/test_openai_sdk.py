"""OpenAI's SDK on the emulator's sockets, directly."""

from collections.abc import Iterator
from typing import Any

import openai
import pytest
from websockets.exceptions import InvalidStatus

from gateway.demo import emulator
from gateway.demo.emulator import Served
from tests.demo.sockets.client import KEY, REALTIME
from tests.rows import module_fixture

# The SDK does not use `websockets` in the manner that its version 17 asks for.
pytestmark = pytest.mark.filterwarnings(r"ignore:connect\(\) must be used:DeprecationWarning")


@module_fixture
def served() -> Iterator[Served]:
    with emulator.serve() as running:
        yield running


@pytest.fixture
def client(served: Served) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=served.base_url, api_key=KEY, max_retries=0) as made:
        yield made


def turn(connection: Any, **create: Any) -> Any:
    """Send a `response.create`; return the last event of its response."""
    connection.response.create(**create)
    for event in connection:
        if event.type in ("response.completed", "response.done", "error"):
            return event
    raise AssertionError


def test_a_conversation_over_one_connection(client: openai.OpenAI) -> None:
    create: Any = {"model": "o1-pro", "store": False}
    with client.responses.connect() as connection:
        first = turn(connection, input="hi", generate=False, **create).response
        assert first.output == []
        second = turn(connection, input="ho", previous_response_id=first.id, **create).response
        assert second.output_text == "You said: ho"
        event = turn(connection, input="x", previous_response_id="resp_none", **create)
        assert (event.status, event.error.code) == (400, "previous_response_not_found")
        event = turn(connection, input="!429", stream_id="a", **create)
        assert (event.status, event.stream_id) == (429, "a")
        assert event.error.headers["retry-after"] == "20"
        connection.response.steer(previous_response_id="resp_none", input="x")
        failed: Any = connection.recv()
        assert failed.error.code == "response_not_found"


def test_a_bad_key_is_an_error_before_the_connection(client: openai.OpenAI) -> None:
    with pytest.raises(InvalidStatus, match="HTTP 401"):
        client.with_options(api_key="wrong").responses.connect().enter()


def test_a_realtime_session(client: openai.OpenAI) -> None:
    with client.realtime.connect(model=REALTIME) as connection:
        created: Any = connection.recv()
        assert created.session.model == REALTIME
        connection.session.update(session={"type": "realtime", "output_modalities": ["text"]})
        updated: Any = connection.recv()
        assert updated.session.output_modalities == ["text"]
        connection.conversation.item.create(
            item={
                "type": "message",
                "role": "user",
                "content": [{"type": "input_text", "text": "hi"}],
            }
        )
        done = turn(connection)
        assert done.response.output[0].content[0].text == "You said: hi"
        connection.input_audio_buffer.commit()
        error: Any = connection.recv()
        assert error.error.code == "input_audio_buffer_commit_empty"


def test_an_unknown_realtime_model_is_refused(client: openai.OpenAI) -> None:
    with pytest.raises(InvalidStatus, match="HTTP 404"):
        client.realtime.connect(model="nope").enter()
