import base64
import struct
from typing import Any

import pytest
from openai.types import CreateEmbeddingResponse, ImagesResponse, ModerationCreateResponse

from gateway.demo import emulator
from gateway.demo.endpoints.media import spoken
from tests.demo.client import Reply, post

APP = emulator.build()


def embed(given: Any = "x", /, **more: Any) -> Reply:
    body = {"model": "text-embedding-3-small", "input": given, **more}
    return post(APP, "/v1/embeddings", **body)


def test_an_embedding_is_a_unit_vector_that_depends_on_the_text() -> None:
    body = embed(["one", "two"]).json()
    CreateEmbeddingResponse.model_validate(body)
    one, two = (item["embedding"] for item in body["data"])
    assert len(one) == len(two) == 1536
    assert sum(number * number for number in one) == pytest.approx(1)
    assert one != two
    assert embed("one").json()["data"][0]["embedding"] == one


def test_an_embedding_can_be_packed_and_shortened() -> None:
    unpacked = embed("one", dimensions=40).json()["data"][0]["embedding"]
    packed = embed("one", dimensions=40, encoding_format="base64").json()["data"][0]["embedding"]
    assert struct.unpack("<40f", base64.b64decode(packed)) == pytest.approx(unpacked)


@pytest.mark.parametrize("given", [[1, 2], [[1, 2], [3]]])
def test_token_numbers_are_embedded_too(given: Any) -> None:
    expected = 1 if isinstance(given[0], int) else 2
    assert len(embed(given).json()["data"]) == expected


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"input": []}, "input"),
        ({"input": [True]}, "input[0]"),
        ({"input": [["a"]]}, "input[0][0]"),
        ({"dimensions": 0}, "dimensions"),
        ({"encoding_format": "hex"}, "encoding_format"),
        ({"prompt": "x"}, "prompt"),
        ({"model": 5}, "model"),
        ({"model": ""}, None),
    ],
)
def test_a_wrong_parameter_is_refused_by_name(body: dict[str, Any], param: str | None) -> None:
    status, _, named, _ = embed(**body).error()
    assert (status, named) == (400, param)


def test_a_chat_model_embeds_nothing() -> None:
    assert embed("x", model="gpt-4o-mini").error()[:2] == (
        403,
        "You are not allowed to generate embeddings from this model",
    )


def test_violence_is_flagged() -> None:
    body = post(APP, "/v1/moderations", input=["a walk", "Violence!"]).json()
    ModerationCreateResponse.model_validate(body)
    assert [result["flagged"] for result in body["results"]] == [False, True]
    assert body["results"][1]["categories"]["violence"] is True
    assert post(APP, "/v1/moderations", input="a walk").json()["model"] == "omni-moderation-latest"


def test_speech_comes_in_pieces_without_a_length() -> None:
    reply = post(APP, "/v1/audio/speech", model="tts-1", input="hi", voice="alloy")
    assert reply.chunks == spoken("hi") != spoken("ho")
    assert reply.headers["content-type"] == "audio/mpeg"
    assert "content-length" not in reply.headers
    assert reply.complete


def test_speech_needs_a_voice() -> None:
    assert post(APP, "/v1/audio/speech", model="tts-1", input="hi").error()[2] == "voice"


def test_an_image_is_a_png() -> None:
    body = post(APP, "/v1/images/generations", prompt="a dot", n=2).json()
    ImagesResponse.model_validate(body)
    assert len(body["data"]) == 2
    assert base64.b64decode(body["data"][0]["b64_json"]).startswith(b"\x89PNG\r\n\x1a\n")
    named = post(APP, "/v1/images/generations", prompt="a dot", model="gpt-image-1")
    assert len(named.json()["data"]) == 1
