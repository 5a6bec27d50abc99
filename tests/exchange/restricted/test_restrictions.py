"""Clients with a list of models are held to it, whatever their requests look like."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import TypeVar

import pytest
from msgspec import structs

from gateway.config.settings import ClientSettings
from gateway.errors import InvalidRequest, PayloadTooLarge, PermissionDenied
from gateway.exchange.bodies.apart import LARGE_BYTES, Apart
from gateway.exchange.passthrough.request_body import pieces_of
from gateway.exchange.restricted.restrictions import (
    admitted,
    check_generation,
    check_query,
    judge_for,
)
from gateway.request import GenerationRequest, Request
from gateway.shapes import RawHeaders, Shape

CLIENT = ClientSettings("team-a", ("0" * 64,), ("ok*",))
FORM: RawHeaders = ((b"content-type", b"multipart/form-data; boundary=b"),)
LIMIT = 1000
Result = TypeVar("Result")


def generation(
    body: bytes, shape: Shape = Shape.CHAT, headers: RawHeaders = (), query: bytes = b""
) -> GenerationRequest:
    return GenerationRequest.at(shape, body, headers, query, CLIENT)


def posted(path: str, body: bytes, headers: RawHeaders = (), query: bytes = b"") -> Request:
    return Request("POST", path, query, headers, body, CLIENT)


class NotingApart(Apart):
    """Notes the sizes of the bodies that it may have to do with."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []

    async def run_large(self, size: int, work: Callable[[], Result]) -> Result:
        self.sizes.append(size)
        return await super().run_large(size, work)


def admit(call: Request, limit: int = LIMIT, apart: Apart | None = None) -> Request:
    return asyncio.run(admitted(call, limit, apart or Apart()))


def form(*fields: tuple[str, str]) -> bytes:
    parts = [f"--b\r\nContent-Disposition: form-data; {n}\r\n\r\n{v}\r\n" for n, v in fields]
    return "".join([*parts, "--b--\r\n"]).encode()


def test_a_generation_may_name_the_clients_models_only() -> None:
    check_generation(generation(b'{"model": "ok-1", "models": ["ok-2"]}'))
    for body, query in (
        (b'{"model": "forbidden"}', b""),
        (b'{"model": "ok-1", "fallbacks": ["forbidden"]}', b""),
        (b'{"model": "ok-1"}', b"model=forbidden"),
    ):
        with pytest.raises(PermissionDenied, match="'forbidden'"):
            check_generation(generation(body, query=query))


def test_only_at_responses_may_a_stored_prompt_bring_the_model() -> None:
    check_generation(generation(b"{}"))  # refused as a request without a model, elsewhere
    with pytest.raises(PermissionDenied, match="stored prompt") as refused:
        check_generation(generation(b'{"prompt": {"id": "p"}}', Shape.RESPONSES))
    assert refused.value.param == "model"


@pytest.mark.parametrize(
    "headers",
    [
        FORM,
        ((b"content-type", b"application/json; charset=utf-7"),),
        ((b"content-type", b"application/json"), (b"content-type", b"application/json")),
    ],
)
def test_a_generation_is_json_in_utf8(headers: RawHeaders) -> None:
    with pytest.raises(InvalidRequest) as refused:
        check_generation(generation(b'{"model": "ok-1"}', headers=headers))
    assert refused.value.code == "invalid_content_type"


def test_json_that_is_called_urlencoded_is_read_as_both() -> None:
    urlencoded = ((b"content-type", b"application/x-www-form-urlencoded"),)
    check_generation(generation(b'{"model": "ok-1"}', headers=urlencoded))
    with pytest.raises(PermissionDenied):
        check_generation(generation(b'{"model": "ok-1", "x": "&model=no&"}', headers=urlencoded))


def test_a_query_is_judged_for_restricted_clients_only() -> None:
    call = Request("GET", "/models", b"model=forbidden", client=CLIENT)
    with pytest.raises(PermissionDenied):
        check_query(call)
    check_query(structs.replace(call, query=b"model=ok-1"))
    check_query(structs.replace(call, client=replace(CLIENT, models=("*",))))
    check_query(structs.replace(call, client=None))


def test_a_judge_says_where_the_model_was_named() -> None:
    judge = judge_for(CLIENT)
    judge("ok-1", ("model",))
    with pytest.raises(PermissionDenied) as refused:
        judge("forbidden", ("session", "model"))
    assert refused.value.param == "session.model"


def test_a_body_is_read_whole_and_passed_on_as_it_is() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b'{"model": '
        yield b'"ok-1"}'

    call = structs.replace(posted("/embeddings", b""), body=pieces(), length=17)
    read = admit(call)
    assert (read.body, read.length) == (b'{"model": "ok-1"}', None)
    with pytest.raises(PayloadTooLarge):
        admit(posted("/embeddings", b'{"model": "ok-1"}'), limit=16)


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (posted("/embeddings", b"{}"), "names none"),
        (posted("/embeddings", b""), "names none"),
        (posted("/batches", b"{}"), "in the batch's file"),
        (posted("/no/such/path", b"{}"), "does not know where"),
        (structs.replace(posted("/files/f", b""), method="PUT"), "does not know where"),
    ],
)
def test_a_call_whose_model_cannot_be_judged_is_refused(call: Request, reason: str) -> None:
    with pytest.raises(PermissionDenied) as refused:
        admit(call)
    assert reason in refused.value.message


def test_a_path_may_name_the_model() -> None:
    call = posted("/embeddings", b"{}")
    assert admit(structs.replace(call, model="ok-1")).body == b"{}"
    with pytest.raises(PermissionDenied):
        admit(structs.replace(call, model="forbidden"))


def test_a_transcription_session_names_its_model_in_another_place() -> None:
    session = b'{"session": {"type": "transcription", %b}}'
    audio = b'"audio": {"input": {"transcription": {"model": "ok-1"}}}'
    admit(posted("/realtime/client_secrets", session % audio))
    with pytest.raises(PermissionDenied):
        admit(posted("/realtime/client_secrets", session % b'"model": "ok-1"'))


def test_a_method_without_a_body_has_none() -> None:
    call = Request("GET", "/files", client=CLIENT, length=0)
    assert admit(call).body == b""
    with pytest.raises(InvalidRequest) as refused:
        admit(structs.replace(call, body=b"{}"))
    assert refused.value.code == "unexpected_body"


def test_compressed_bodies_are_refused() -> None:
    packed = posted("/embeddings", b"{}", ((b"content-encoding", b"gzip"),))
    with pytest.raises(InvalidRequest) as refused:
        admit(packed)
    assert refused.value.status == 415


def test_a_form_is_rewritten() -> None:
    asked = form(('name="model"', "ok-1"), ('name="file"; filename="a"', "content"))
    read = admit(posted("/audio/transcriptions", asked, FORM))
    assert isinstance(read.body, bytes)
    assert b"ok-1" in read.body
    assert b"content" in read.body
    assert b"--b\r\n" not in read.body
    ((_, kind),) = read.headers
    assert kind.rpartition(b"=")[2] in read.body


def test_a_form_must_name_its_model_before_its_file() -> None:
    file = 'name="file"; filename="a"', "x" * 100_000
    without = posted("/audio/transcriptions", form(('name="prompt"', "Hi")), FORM)
    with pytest.raises(PermissionDenied, match="names none"):
        admit(without)
    with pytest.raises(InvalidRequest, match="before the file"):
        admit(posted("/audio/transcriptions", form(file, ('name="model"', "ok-1")), FORM))


@pytest.mark.parametrize("model", ["ok-1", "forbidden"])
@pytest.mark.parametrize("more", ["", "y" * 100_000])
def test_a_form_may_name_its_model_behind_a_file_that_can_be_held(model: str, more: str) -> None:
    file = 'name="file"; filename="a"', "x" * 100_000

    async def sent() -> bytes:
        last = ('name="more"; filename="b"', more)
        body = form(file, ('name="model"', model), last)
        read = await admitted(posted("/audio/transcriptions", body, FORM), 300_000, Apart())
        return b"".join([piece async for piece in pieces_of(read.body)])

    if model == "forbidden":
        with pytest.raises(PermissionDenied, match="'forbidden'"):
            asyncio.run(sent())
    else:
        whole = asyncio.run(sent())
        assert b'name="model"\r\n\r\nok-1\r\n' in whole
        assert more.encode() in whole


@pytest.mark.parametrize("model", ["ok-1", "forbidden"])
def test_a_large_body_is_judged_beside_the_event_loop(model: str) -> None:
    body = b'{"model": "%b", "input": [%b1]}' % (model.encode(), b"1," * LARGE_BYTES)
    apart, call = NotingApart(), posted("/embeddings", body)
    if model == "forbidden":
        with pytest.raises(PermissionDenied):
            admit(call, 2 * len(body), apart)
    else:
        assert admit(call, 2 * len(body), apart).body == body
    assert apart.sizes == [len(body)]


def test_what_follows_a_large_file_is_judged_as_it_is_sent_on() -> None:
    file = 'name="file"; filename="a"', "x" * 100_000

    async def sent(last: tuple[str, str]) -> bytes:
        body = form(('name="model"', "ok-1"), file, last)
        read = await admitted(posted("/audio/transcriptions", body, FORM), LIMIT, Apart())
        assert not isinstance(read.body, bytes)
        return b"".join([piece async for piece in read.body])

    assert b"Hello" in asyncio.run(sent(('name="prompt"', "Hello")))
    with pytest.raises(InvalidRequest, match="before the file"):
        asyncio.run(sent(('name="model"', "forbidden")))
