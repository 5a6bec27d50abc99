import hashlib
from typing import Any

import pytest
from openai.types import ImagesResponse

from gateway.demo import emulator
from tests.demo.client import Reply, ask
from tests.demo.test_form import TYPE, part, whole

APP = emulator.build()
EDITS, VARIATIONS = "/v1/images/edits", "/v1/images/variations"
HEARD = ["/v1/audio/transcriptions", "/v1/audio/translations"]
PNG = part("image", b"\x89PNG", "otter.png")
SOUND = part("file", b"sound", "a.mp3")
WHISPER = part("model", b"whisper-1")


def send(path: str, *parts: bytes, app: Any = APP) -> Reply:
    return ask(app, "POST", path, chunks=[whole(*parts)], headers={"content-type": TYPE})


@pytest.mark.parametrize("name", ["image", "image[]"])
def test_an_edit_answers_as_many_images_as_are_asked_for(name: str) -> None:
    image = part(name, b"\x89PNG", "otter.png")
    reply = send(EDITS, image, part("prompt", b"a hat"), part("n", b"2")).json()
    ImagesResponse.model_validate(reply)
    assert len(reply["data"]) == 2


def test_a_variation_is_an_address_or_the_image_itself() -> None:
    addresses = send(VARIATIONS, PNG, part("n", b"2")).json()
    ImagesResponse.model_validate(addresses)
    assert len({image["url"] for image in addresses["data"]}) == 2
    (image,) = send(VARIATIONS, PNG, part("response_format", b"b64_json")).json()["data"]
    assert image["b64_json"]


@pytest.mark.parametrize(
    ("path", "parts", "param"),
    [
        (EDITS, [PNG], "prompt"),
        (EDITS, [part("prompt", b"x")], "image"),
        (EDITS, [PNG, part("prompt", b"x"), part("n", b"two")], "n"),
        (EDITS, [PNG, part("prompt", b"x"), part("n", b"11")], "n"),
        (EDITS, [PNG, part("prompt", b"x"), part("response_format", b"url")], "response_format"),
        (VARIATIONS, [], "image"),
        (VARIATIONS, [PNG, part("response_format", b"gif")], "response_format"),
        (HEARD[0], [SOUND], "model"),
        (HEARD[0], [WHISPER], "file"),
        (HEARD[1], [SOUND, WHISPER, part("language", b"de")], "language"),
    ],
)
def test_a_wrong_field_is_refused_by_name(path: str, parts: list[bytes], param: str) -> None:
    status, _, named, _ = send(path, *parts).error()
    assert (status, named) == (400, param)


@pytest.mark.parametrize("path", [EDITS, VARIATIONS])
def test_a_model_that_does_not_draw_so_is_refused(path: str) -> None:
    parts = [PNG, part("prompt", b"x")] if path == EDITS else [PNG]
    refusal = send(path, *parts, part("model", b"tts-1")).error()
    assert (refusal[0], refusal[3]) == (404, "model_not_found")


def test_a_recording_is_told_of_in_the_format_asked_for() -> None:
    for path, task in zip(HEARD, ("transcribe", "translate"), strict=True):
        text = f"To {task}: a.mp3, 5 bytes."
        assert send(path, SOUND, WHISPER).json() == {"text": text}
        reply = send(path, SOUND, WHISPER, part("response_format", b"srt"))
        assert reply.headers["content-type"].startswith("text/plain")
        assert reply.body == f"{text}\n".encode()
        verbose = send(path, SOUND, WHISPER, part("response_format", b"verbose_json")).json()
        assert (verbose["text"], verbose["task"]) == (text, task)


def test_the_journal_has_the_fields_and_the_hashes_of_files() -> None:
    app = emulator.build()
    send(HEARD[0], SOUND, WHISPER, part("language", b"de"), app=app)
    form = app.journal[0].form
    assert form is not None
    assert form.fields == {"model": ["whisper-1"], "language": ["de"]}
    assert form.required_file("file").sha256 == hashlib.sha256(b"sound").hexdigest()
