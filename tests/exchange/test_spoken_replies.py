"""Replies of chat that are spoken: their transcript is the text, for clients of other shapes."""

from typing import Any

import pytest

from gateway.config.settings import ModelRule, PerformanceSettings
from gateway.shapes import Json, Shape
from tests.exchange.scene import Scene, chat_chunk, chat_completion
from tests.exchange.test_odd_replies import ASKED, ends
from tests.fakes import FakeReply, json_reply, stream_reply
from tests.translate.what_clients_see import reply_seen, stream_seen

CLIENTS = [client for client in Shape if client is not Shape.CHAT]
SPOKEN = {"id": "audio_1", "data": "QUJD", "transcript": "Hello", "expires_at": 9}


def spoken(audio: Any, content: str | None = None) -> Json:
    chunk = chat_chunk(content)
    chunk["choices"][0]["delta"]["audio"] = audio
    return chunk


def heard(client: Shape, answer: FakeReply, *, stream: bool, fast: bool) -> str:
    """Return what a client sees of an answer at chat."""
    scene = Scene(
        lambda _: answer,
        rules=(ModelRule("m", endpoints=(Shape.CHAT,)),),
        performance=PerformanceSettings(fast_paths=fast),
    )
    result = scene.generate(client, {**ASKED[client], "stream": stream})
    (choice,) = stream_seen(client, result) if stream else reply_seen(client, result.json)
    return str(choice)


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("content", [None, "", "Hello"])
def test_a_whole_reply_has_its_transcript_once(
    client: Shape, content: str | None, *, fast: bool
) -> None:
    reply = chat_completion()
    reply["choices"][0]["message"] |= {"content": content, "audio": SPOKEN}
    said = heard(client, json_reply(reply), stream=False, fast=fast)
    assert said == f"says 'Hello'; finish: {ends(client)}"


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize(
    "begins",
    [
        # OpenAI, and others: the id and some of the sound come before any word.
        [spoken({"id": "audio_1"}), spoken({"transcript": "Hel"})],
        [spoken({"id": "audio_1", "data": "QUJD"}, ""), spoken({"transcript": "Hel"})],
        [spoken({"id": "audio_1", "transcript": "Hel"})],
        # Qwen's write what they say, too.
        [chat_chunk("Hel"), spoken({"id": "audio_1", "transcript": "Hel"}), chat_chunk("lo")],
    ],
)
def test_a_streamed_reply_has_its_transcript_once(
    client: Shape, begins: list[Json], *, fast: bool
) -> None:
    rest = [spoken({"data": "QUJD"}), spoken({"transcript": "lo"}), spoken({"expires_at": 9})]
    answer = stream_reply(*begins, *rest, chat_chunk(finish="stop"))
    said = heard(client, answer, stream=True, fast=fast)
    assert said == f"says 'Hello'; finish: {ends(client)}"


@pytest.mark.parametrize("fast", [True, False])
def test_a_sound_without_a_word_is_an_error_for_clients_of_responses(*, fast: bool) -> None:
    answer = stream_reply(spoken({"id": "audio_1", "data": "QUJD"}), chat_chunk(finish="stop"))
    said = heard(Shape.RESPONSES, answer, stream=True, fast=fast)
    assert said == "finish: failed; error: upstream_error"
