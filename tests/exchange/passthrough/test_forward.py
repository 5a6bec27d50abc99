"""What is not generation passes on untouched, to the upstream its model belongs to."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest

from gateway.config.secret import Secret
from gateway.config.settings import (
    ClientSettings,
    CredentialPolicy,
    ModelRule,
    ServerSettings,
    UpstreamSettings,
)
from gateway.errors import (
    GatewayError,
    InvalidRequest,
    PayloadTooLarge,
    PermissionDenied,
    TruncatedStream,
    UnknownRoute,
    UpstreamError,
)
from gateway.exchange.bodies.apart import Apart
from gateway.exchange.client_reply import ClientReply
from gateway.exchange.decision import Decision
from gateway.exchange.passthrough.forward import Forwarder
from gateway.request import Request
from gateway.shapes import CallTimeouts, RawHeaders, UpstreamCall
from tests import kinds
from tests.exchange.scene import ALICE, OPENAI, Scene
from tests.fakes import EVENT_STREAM, Answer, FakeReply, error_reply, json_reply

LOCAL = UpstreamSettings("local", "http://127.0.0.1:8000/v1", kinds.VLLM, CredentialPolicy.NONE)
OWN = UpstreamSettings("own", "https://o/v1", kinds.OPENAI, CredentialPolicy.KEY, Secret("sk-own"))
EMBED = ModelRule("embed", model="bge-m3", upstream="local")
AS_JSON: RawHeaders = ((b"content-type", b"application/json"),)
VERSION: RawHeaders = ((b"anthropic-version", b"2023-06-01"),)
AS_FORM: RawHeaders = ((b"content-type", b"multipart/form-data; boundary=b"),)


def form(model: str, size: int = 10) -> bytes:
    return (
        b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\n'
        + model.encode()
        + b'\r\n--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
        + b"x" * size
        + b"\r\n--b--\r\n"
    )


async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def sent_body(call: UpstreamCall) -> bytes:
    if isinstance(call.body, bytes):
        return call.body
    return b"".join([piece async for piece in call.body])


def ok(_: UpstreamCall) -> Answer:
    return json_reply({"ok": True})


async def passed(
    scene: Scene,
    path: str = "/embeddings",
    method: str = "POST",
    headers: RawHeaders = AS_JSON,
    body: bytes | AsyncIterator[bytes] = b"",
    client: ClientSettings | None = None,
    model: str | None = None,
    length: int | None = None,
    named: tuple[str, ...] = (),
) -> tuple[ClientReply, Decision]:
    decision = Decision()
    forwarder = Forwarder(scene.settings, scene.resolver, scene.network.send, Apart())
    call = Request(method, path, b"a=1", headers, body, client, model, length)
    return await forwarder.run(call, decision, named), decision


def test_a_body_is_streamed_untouched_to_the_only_upstream() -> None:
    async def scenario() -> None:
        scene = Scene(ok)
        body = pieces(b"a", b"b")
        reply, decision = await passed(scene, "/files", body=body, length=2)
        call = scene.network.calls[0]
        assert call.body is body
        assert (call.path, call.query, call.body_length) == ("/files", b"a=1", 2)
        assert reply.status == 200
        assert decision.endpoint == "/v1/files"

    asyncio.run(scenario())


def test_an_error_that_is_cut_off_is_reported_cleanly_and_any_other_passed_on() -> None:
    length = (b"content-length", b"500")

    def cut(_: UpstreamCall) -> Answer:
        return FakeReply(429, (*AS_JSON, length), (b'{"err',), TruncatedStream("cut"))

    async def scenario() -> None:
        with pytest.raises(UpstreamError, match="status 429") as raised:
            await passed(Scene(cut))
        assert raised.value.status == 502
        reply, _ = await passed(Scene(lambda _: error_reply(429, "slow down")))
        assert reply.status == 429
        assert isinstance(reply.body, bytes)
        assert b"slow down" in reply.body
        reply, _ = await passed(Scene(lambda _: FakeReply(404, (length,))), method="HEAD")
        assert not isinstance(reply.body, bytes)
        await reply.body.aclose()

    asyncio.run(scenario())


def test_a_json_body_goes_to_the_upstream_of_its_model_under_its_name() -> None:
    async def scenario() -> None:
        scene = Scene(ok, OPENAI, LOCAL, rules=(EMBED,))
        _, decision = await passed(scene, body=b'{"model": "embed", "input": "x"}')
        assert scene.network.calls[0].upstream == "local"
        assert scene.network.bodies() == [{"model": "bge-m3", "input": "x"}]
        assert (decision.upstream, decision.resolved_by) == ("local", "config")

    asyncio.run(scenario())


def test_a_renamed_body_is_as_it_was_written_beside_the_name() -> None:
    scene = Scene(ok, OPENAI, LOCAL, rules=(EMBED,))
    values = b'[1.50, 1e400, 123456789012345678901, "\\u0041"]'
    asyncio.run(passed(scene, body=b'{"model": "embed", "input": %b}' % values))
    assert scene.network.calls[0].body == b'{"model":"bge-m3","input":%b}' % values


HALVED = rb'{"model": "embed", "input": "\ud83d"}'


def test_half_a_character_does_not_hide_the_model() -> None:
    scene = Scene(ok, OPENAI, LOCAL, rules=(ModelRule("embed", upstream="local"),))
    asyncio.run(passed(scene, body=HALVED))
    assert [(call.upstream, call.body) for call in scene.network.calls] == [("local", HALVED)]


def test_half_a_character_is_named_where_the_body_has_to_be_changed() -> None:
    scene = Scene(ok, OPENAI, LOCAL, rules=(EMBED,))
    with pytest.raises(InvalidRequest, match="'input' has half a character") as raised:
        asyncio.run(passed(scene, body=HALVED))
    assert raised.value.param == "input"
    assert scene.network.calls == []


NARROW = ClientSettings("narrow", ("0" * 64,), ("embed",))


@pytest.mark.parametrize(
    ("path", "headers", "body"),
    [
        ("/embeddings", AS_JSON, rb'{"model": "secret", "input": "\ud800"}'),
        ("/embeddings", (), rb'{"model": "secret", "input": "\ud800"}'),
        ("/embeddings", (), b" " * 70_000 + b'{"model": "secret"}'),
        ("/audio/transcriptions", AS_FORM, b"x" * 70_000 + form("secret")),
    ],
)
def test_a_restricted_client_names_no_model_where_it_cannot_be_read(
    path: str, headers: RawHeaders, body: bytes
) -> None:
    async def scenario() -> None:
        scene = Scene(ok, OPENAI, LOCAL, rules=(EMBED,))
        parts = pieces(body[:66_000], body[66_000:])
        with pytest.raises((InvalidRequest, PermissionDenied)):
            await passed(scene, path, headers=headers, body=parts, client=NARROW)
        assert scene.network.calls == []

    asyncio.run(scenario())


def test_a_restricted_client_may_send_what_runs_no_model() -> None:
    async def scenario() -> None:
        scene = Scene(ok, OPENAI, LOCAL, rules=(EMBED,))
        for raw in (b"", b'{"purpose": "x"}'):
            await passed(scene, "/uploads", body=raw, client=NARROW)
        whole = form_without_model(70_000)
        upload = pieces(whole[:66_000], whole[66_000:])
        await passed(scene, "/files", headers=AS_FORM, body=upload, client=NARROW)
        assert b"x" * 70_000 in await sent_body(scene.network.calls[-1])
        anyone = ClientSettings("anyone", ("0" * 64,), ("*",))
        await passed(scene, body=b"not json", client=anyone)
        assert len(scene.network.calls) == 4

    asyncio.run(scenario())


def form_without_model(size: int) -> bytes:
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    return head + b"x" * size + b"\r\n--b--\r\n"


@pytest.mark.parametrize("size", [10, 70_000])
def test_a_restricted_client_names_the_model_that_a_path_needs(size: int) -> None:
    async def scenario() -> None:
        scene = Scene(ok, OPENAI, LOCAL, rules=(EMBED,))
        for path, body, headers in (
            ("/batches", b'{"input": 1}', AS_JSON),
            ("/embeddings", b'{"input": 1}', AS_JSON),
            ("/embeddings", b"", AS_JSON),
            ("/images/edits", form_without_model(size), AS_FORM),
        ):
            with pytest.raises((InvalidRequest, PermissionDenied)):
                await passed(scene, path, headers=headers, body=pieces(body), client=NARROW)
        assert scene.network.calls == []

    asyncio.run(scenario())


def test_a_large_json_body_is_read_whole_to_find_its_model() -> None:
    async def scenario() -> None:
        scene = Scene(ok, OPENAI, LOCAL, rules=(EMBED,))
        raw = b'{"input": "' + b"x" * 100_000 + b'", "model": "embed"}'
        await passed(scene, body=pieces(raw[:70_000], raw[70_000:]))
        assert scene.network.bodies()[0]["model"] == "bge-m3"

    asyncio.run(scenario())


def test_a_json_body_beyond_the_limit_is_refused() -> None:
    async def scenario() -> None:
        server = ServerSettings(max_body_bytes=80_000)
        scene = Scene(ok, OPENAI, LOCAL, server=server)
        with pytest.raises(PayloadTooLarge):
            await passed(scene, body=pieces(b"x" * 70_000, b"x" * 70_000))

    asyncio.run(scenario())


@pytest.mark.parametrize("split", [None, 70_000])
def test_a_form_is_routed_by_its_model_field_and_streamed_on(split: int | None) -> None:
    async def scenario() -> None:
        scene = Scene(ok, OPENAI, LOCAL, rules=(EMBED,))
        raw = form("embed", 200_000 if split else 10)
        body = raw if split is None else pieces(raw[:split], raw[split:])
        await passed(scene, "/audio/transcriptions", headers=AS_FORM, body=body)
        call = scene.network.calls[0]
        assert call.upstream == "local"
        assert await sent_body(call) == form("bge-m3", 200_000 if split else 10)
        assert call.body_length is None

    asyncio.run(scenario())


def late_form(model: str, size: int = 200_000) -> bytes:
    """Return a form in OpenAI's own order for curl: the file, then the model."""
    field = b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\n%b\r\n--b--\r\n'
    return form_without_model(size)[:-7] + field % model.encode()


@pytest.mark.parametrize("path", ["/audio/transcriptions", "/images/edits", "/audio/translations"])
@pytest.mark.parametrize("client", [None, NARROW])
@pytest.mark.parametrize("declared", [True, False])
def test_a_forms_model_counts_behind_a_large_file_too(
    path: str, client: ClientSettings | None, declared: bool
) -> None:
    async def scenario() -> None:
        scene = Scene(ok, OPENAI, LOCAL, rules=(EMBED,))
        raw = late_form("embed")
        body = pieces(*(raw[at : at + 60_000] for at in range(0, len(raw), 60_000)))
        length = len(raw) if declared else None
        await passed(scene, path, headers=AS_FORM, body=body, client=client, length=length)
        call = scene.network.calls[0]
        sent = await sent_body(call)
        assert (call.upstream, call.model) == ("local", "bge-m3")
        assert call.body_length == len(sent)
        assert b'name="model"\r\n\r\nbge-m3\r\n' in sent
        assert b"x" * 200_000 in sent

    asyncio.run(scenario())


def test_a_form_whose_model_comes_too_late_goes_to_no_wrong_upstream() -> None:
    async def scenario() -> None:
        small = ServerSettings(max_body_bytes=100_000)
        raw = late_form("embed")
        for upstreams in ((OPENAI, LOCAL), (OPENAI,)):
            scene = Scene(ok, *upstreams, rules=(ModelRule("embed", model="x"),), server=small)
            body = pieces(raw[:70_000], raw[70_000:140_000], raw[140_000:])
            sending = passed(scene, "/audio/transcriptions", headers=AS_FORM, body=body)
            if len(upstreams) > 1:
                with pytest.raises(InvalidRequest, match="before the file") as refused:
                    await sending
                assert refused.value.param == "model"
                assert scene.network.calls == []
            else:
                await sending
                assert await sent_body(scene.network.calls[0]) == raw

    asyncio.run(scenario())


def test_a_file_that_runs_no_model_is_not_read_ahead() -> None:
    async def scenario() -> None:
        scene = Scene(ok, OPENAI, LOCAL, rules=(EMBED,))
        raw = form_without_model(200_000)
        body = pieces(raw[:70_000], raw[70_000:])
        await passed(scene, "/files", headers=AS_FORM, body=body, length=len(raw))
        assert await anext(body) == raw[70_000:]
        assert scene.network.calls[0].body_length == len(raw)

    asyncio.run(scenario())


@pytest.mark.parametrize(("model", "named"), [("dep", "dep"), ("other", "dep")])
def test_the_paths_model_is_set_in_a_form_behind_a_large_file(model: str, named: str) -> None:
    async def scenario() -> None:
        scene = Scene(ok)
        raw = late_form(model)
        body = pieces(raw[:70_000], raw[70_000:140_000], raw[140_000:])
        _, decision = await passed(
            scene, "/audio/transcriptions", headers=AS_FORM, body=body, model=named
        )
        assert await sent_body(scene.network.calls[0]) == late_form(named)
        assert bool(decision.warning) == (model != named)

    asyncio.run(scenario())


def test_a_body_without_a_model_goes_to_the_default_upstream() -> None:
    async def scenario() -> None:
        scene = Scene(ok, OPENAI, LOCAL, rules=(EMBED,))
        for raw in (b"", b"not json", b"[1]", b'{"input": 1}', b'{"model": 5}'):
            await passed(scene, body=raw)
        big = pieces(b"x" * 70_000, b"y")
        await passed(scene, "/files", headers=AS_FORM, body=big)
        assert {call.upstream for call in scene.network.calls} == {"openai"}
        assert await sent_body(scene.network.calls[-1]) == b"x" * 70_000 + b"y"

    asyncio.run(scenario())


def test_a_model_that_another_upstream_lists_goes_there() -> None:
    def answer(call: UpstreamCall) -> Answer:
        if call.path == "/models" and call.upstream == "local":
            return json_reply({"data": [{"id": "bge-m3"}]})
        return json_reply({"data": []}) if call.path == "/models" else ok(call)

    async def scenario() -> None:
        scene = Scene(answer, OPENAI, LOCAL)
        await passed(scene, body=b'{"model": "bge-m3", "input": "x"}')
        assert scene.network.calls[-1].upstream == "local"

    asyncio.run(scenario())


def test_a_rule_without_an_upstream_leads_to_the_only_one() -> None:
    async def scenario() -> None:
        scene = Scene(ok, rules=(ModelRule("embed", model="text-embedding-3-small"),))
        await passed(scene, body=b'{"model": "embed"}')
        assert scene.network.bodies() == [{"model": "text-embedding-3-small"}]

    asyncio.run(scenario())


def test_a_client_may_pass_its_own_models_only() -> None:
    async def scenario() -> None:
        client = ClientSettings("team", ("0" * 64,), ("gpt-*",))
        with pytest.raises(PermissionDenied):
            await passed(Scene(ok, OPENAI, LOCAL), body=b'{"model": "o1"}', client=client)

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("status", "path", "headers", "named"),
    [
        (401, "/files", (), ()),
        (400, "/files", (), ()),
        (404, "/files", VERSION, ()),
        (405, "/files", VERSION, ()),
        (400, "/models/m", (), ("m",)),
        (200, "/models/m", (), ("m",)),
    ],
)
def test_the_gateways_own_key_refused_is_not_shown(
    status: int, path: str, headers: RawHeaders, named: tuple[str, ...]
) -> None:
    async def scenario() -> None:
        scene = Scene(lambda _: error_reply(status, "Incorrect API key: sk-o*wn"), OWN)
        with pytest.raises(GatewayError) as raised:
            await passed(scene, path, "GET", headers, named=named)
        assert raised.value.code == "upstream_auth_error"
        assert scene.network.replies[0].closed

    asyncio.run(scenario())


ALIAS = (ModelRule("embed", model="nomic-embed-text"),)
BUSY = b'{"error": {"message": "model nomic-embed-text is busy", "code": 503}}'
NAMED = b'{"error":{"message":"model embed is busy","code":503}}'
MADE = b'{"id":"video_1","model":"nomic-embed-text","error":null}'


@pytest.mark.parametrize("path", ["/embeddings", "/rerank", "/audio/speech"])
@pytest.mark.parametrize(
    ("came", "given", "has_length"),
    [
        (BUSY, NAMED, True),
        (BUSY, NAMED, False),
        (MADE, MADE, True),
        (b"{}", b"{}", False),
    ],
)
def test_an_aliass_error_under_a_success_names_it(
    path: str, came: bytes, given: bytes, *, has_length: bool
) -> None:
    length = ((b"content-length", b"%d" % len(came)),) if has_length else ()

    async def scenario() -> None:
        scene = Scene(lambda _: FakeReply(200, (*AS_JSON, *length), (came,)), rules=ALIAS)
        reply, _ = await passed(scene, path, body=b'{"model": "embed", "input": "x"}')
        body = reply.body
        read = body if isinstance(body, bytes) else b"".join([piece async for piece in body])
        assert (reply.status, read) == (200, given)
        if came != given or has_length:
            assert (b"content-length", b"%d" % len(given)) in reply.headers

    asyncio.run(scenario())


def test_the_tokens_of_an_aliass_small_embedding_are_counted() -> None:
    async def scenario() -> None:
        answer = {"data": [{"embedding": [1]}], "usage": {"prompt_tokens": 7, "total_tokens": 7}}
        scene = Scene(lambda _: json_reply(answer), rules=ALIAS)
        reply, _ = await passed(scene, body=b'{"model": "embed", "input": "x"}')
        assert not isinstance(reply.body, bytes)
        assert len([piece async for piece in reply.body]) == 1
        assert reply.body.tokens == (7, None)

    asyncio.run(scenario())


REFUSED = b'{"error": {"message": "Incorrect API key provided: sk-o*wn", "code": "x"}}'


@pytest.mark.parametrize("path", ["/embeddings", "/images/generations", "/audio/transcriptions"])
@pytest.mark.parametrize("came", [REFUSED, b"data: " + REFUSED + b"\n\n"], ids=["JSON", "event"])
def test_a_refusal_of_the_gateways_own_key_under_a_success_is_not_shown(
    path: str, came: bytes
) -> None:
    kind = AS_JSON if came == REFUSED else EVENT_STREAM
    scene = Scene(lambda _: FakeReply(200, kind, (came,)), OWN)
    with pytest.raises(GatewayError) as raised:
        asyncio.run(passed(scene, path, body=b'{"model": "m", "input": "x"}'))
    assert raised.value.code == "upstream_auth_error"
    assert scene.network.replies[0].closed
    callers = Scene(lambda _: FakeReply(200, kind, (came,)))
    for asked, method in ((callers, "POST"), (scene, "GET")):  # the caller's key, a file
        reply, decision = asyncio.run(passed(asked, path, method, body=b'{"model": "m"}'))
        assert reply.status == 200
        assert decision.has_failed is (method == "POST")
        if isinstance(reply.body, bytes):
            assert reply.body == came


def test_a_refusal_of_the_gateways_own_key_under_a_success_is_not_shown_for_an_alias() -> None:
    answer = {
        "error": {"message": "Incorrect API key provided: sk-o*wn", "code": "invalid_api_key"}
    }
    scene = Scene(lambda _: json_reply(answer), OWN, rules=ALIAS)
    with pytest.raises(GatewayError) as raised:
        asyncio.run(passed(scene, body=b'{"model": "embed", "input": "x"}'))
    assert raised.value.code == "upstream_auth_error"


@pytest.mark.parametrize("path", ["/embeddings", "/images/generations", "/rerank"])
def test_both_names_of_the_model_are_noted(path: str) -> None:
    _, decision = asyncio.run(passed(Scene(ok, rules=ALIAS), path, body=b'{"model": "embed"}'))
    assert (decision.model_asked, decision.model_sent) == ("embed", "nomic-embed-text")


def test_a_long_name_of_a_model_is_noted_in_part() -> None:
    rules = (ModelRule("*", model="*"),)
    body = msgspec.json.encode({"model": "m" * 9000})
    _, decision = asyncio.run(passed(Scene(ok, rules=rules), body=body))
    assert (len(decision.model_asked), len(decision.model_sent)) == (512, 512)


REDIRECT = (("text-embedding-ada-001", "embed"),)


def test_a_redirected_model_is_passed_on_as_the_one_in_its_place_and_said_so() -> None:
    scene = Scene(ok, OPENAI, LOCAL, rules=(EMBED,), redirect=REDIRECT)
    body = b'{"model":"text-embedding-ada-001","input":"x"}'
    reply, decision = asyncio.run(passed(scene, body=body))
    assert reply.status == 200
    assert scene.network.bodies() == [{"model": "bge-m3", "input": "x"}]
    assert decision.upstream == "local"
    assert "'text-embedding-ada-001' is redirected to 'embed'" in decision.warning


def test_a_redirect_is_followed_without_any_rule() -> None:
    scene = Scene(ok, redirect=(("old", "new"),))
    _, decision = asyncio.run(passed(scene, body=b'{"model":"old"}'))
    assert scene.network.bodies() == [{"model": "new"}]
    assert "'old' is redirected to 'new'" in decision.warning


@pytest.mark.parametrize("parts", [1, 2])
@pytest.mark.parametrize("path", ["/embeddings", "/moderations"])
def test_the_paths_model_is_set_in_json_however_it_arrives(path: str, parts: int) -> None:
    async def scenario() -> None:
        scene = Scene(ok)
        text = b'{"model":"other","input":"' + b"x" * 70_000 + b'"}'
        body = text if parts == 1 else pieces(text[:66_000], text[66_000:])
        _, decision = await passed(scene, path, body=body, model="dep")
        sent = msgspec.json.decode(await sent_body(scene.network.calls[0]))
        assert sent["model"] == "dep"
        assert len(sent["input"]) == 70_000
        assert scene.network.calls[0].model == "dep"
        assert "the path names the deployment" in decision.warning

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("body", "named", "warned"),
    [(form("dep"), "dep", False), (form("other"), "dep", True), (b"--b\r\nx", "dep", False)],
)
def test_the_paths_model_is_set_in_a_form(body: bytes, named: str, warned: bool) -> None:
    async def scenario() -> None:
        scene = Scene(ok)
        _, decision = await passed(
            scene, "/audio/transcriptions", headers=AS_FORM, body=body, model=named
        )
        sent = await sent_body(scene.network.calls[0])
        assert sent.count(b'name="model"\r\n\r\ndep\r\n') == 1
        assert bool(decision.warning) == warned

    asyncio.run(scenario())


def test_a_large_form_is_streamed_with_the_paths_model() -> None:
    async def scenario() -> None:
        scene = Scene(ok)
        whole = form("other", 200_000)
        body = pieces(whole[:70_000], whole[70_000:])
        await passed(scene, "/audio/transcriptions", headers=AS_FORM, body=body, model="dep")
        assert not isinstance(scene.network.calls[0].body, bytes)
        assert await sent_body(scene.network.calls[0]) == form("dep", 200_000)

    asyncio.run(scenario())


@pytest.mark.parametrize("headers", [AS_JSON, AS_FORM])
def test_a_path_may_name_no_bad_model(headers: RawHeaders) -> None:
    with pytest.raises(GatewayError) as raised:
        asyncio.run(passed(Scene(ok), headers=headers, body=b"{}", model="a\r\nb"))
    assert (raised.value.status, raised.value.param) == (400, "model")


def test_the_paths_model_counts_for_what_a_client_may_use() -> None:
    client = ClientSettings("a", ("1" * 64,), ("allowed",))
    scene = Scene(ok)
    body = b'{"model":"allowed"}'
    with pytest.raises(PermissionDenied):
        asyncio.run(passed(scene, body=body, client=client, model="forbidden"))
    assert scene.network.calls == []


def test_a_method_without_a_body_keeps_the_paths_model_for_the_path() -> None:
    scene = Scene(ok)
    asyncio.run(passed(scene, "/chat/completions", "GET", model="dep"))
    assert scene.network.calls[0].model == "dep"


def test_azure_gets_the_model_of_what_is_passed_on() -> None:
    azure = UpstreamSettings("azure", "https://a.openai.azure.com", kinds.AZURE)
    scene = Scene(ok, azure)
    asyncio.run(passed(scene, body=b'{"model":"vectors","input":"x"}'))
    assert scene.network.calls[0].model == "vectors"
    asyncio.run(passed(scene, "/files", headers=AS_FORM, body=b"--b\r\nx"))
    assert scene.network.calls[1].model is None


def test_what_the_sender_sent_again_is_counted() -> None:
    def answer(call: UpstreamCall) -> Answer:
        call.resends += 1
        call.address = "http://10.0.0.2:8000/v1"
        return json_reply({})

    scene, decision = Scene(answer), Decision()
    forwarder = Forwarder(scene.settings, scene.resolver, scene.network.send, Apart())
    asyncio.run(forwarder.run(Request("GET", "/files", headers=ALICE), decision))
    assert (b"x-gateway-attempts", b"2") in decision.headers()
    assert decision.address == "http://10.0.0.2:8000/v1"
    assert b"10.0.0.2" not in decision.lines()


def test_a_glob_for_texts_sends_no_chat_model_to_embeddings() -> None:
    rule = ModelRule("*", model="gpt-5.4-mini")
    scene = Scene(ok, rules=(rule,))
    body = b'{"model": "text-embedding-ada-002", "input": "x"}'
    asyncio.run(passed(scene, body=body))
    asyncio.run(passed(scene, path="/images/edits", headers=AS_FORM, body=form("dall-e-2")))
    assert [call.body for call in scene.network.calls] == [body, form("dall-e-2")]
    asyncio.run(passed(scene, path="/threads/runs", body=b'{"model":"gpt-4"}'))
    assert scene.network.calls[-1].body == b'{"model":"gpt-5.4-mini"}'


def test_a_name_that_a_glob_leaves_goes_to_the_upstream_that_has_it() -> None:
    def answer(call: UpstreamCall) -> Answer:
        listed = {"openai": ["gpt-5.4-mini"], "local": ["bge-m3"]}[call.upstream]
        return json_reply({"data": [{"id": name} for name in listed]})

    scene = Scene(answer, OPENAI, LOCAL, rules=(ModelRule("*", model="gpt-5.4-mini"),))
    _, decision = asyncio.run(passed(scene, body=b'{"model":"bge-m3"}'))
    assert decision.upstream == "local"
    scene = Scene(
        answer, OPENAI, LOCAL, rules=(ModelRule("*", model="gpt-5.4-mini", upstream="openai"),)
    )
    _, decision = asyncio.run(passed(scene, body=b'{"model":"bge-m3"}'))
    assert decision.upstream == "openai"


def test_a_call_has_the_timeouts_of_its_models_rule() -> None:
    hasty = CallTimeouts(queue=1.0)
    rules = (ModelRule("embed", timeouts=hasty), ModelRule("*", model="gpt-4o", timeouts=hasty))
    scene = Scene(lambda _: json_reply({}), rules=rules)
    for model in ("embed", "text-embedding-3-small"):
        asyncio.run(passed(scene, body=b'{"model": "%b"}' % model.encode()))
    asyncio.run(passed(scene, "/files", "GET"))
    assert [call.timeouts for call in scene.network.calls] == [hasty, None, None]


ANTHROPIC = UpstreamSettings("anthropic", "https://api.anthropic.com/v1", kinds.ANTHROPIC)
BESIDE = UpstreamSettings(
    "beside", "https://b/v1", kinds.DEEPSEEK, messages_url="https://b/anthropic/v1"
)
MAYBE = UpstreamSettings("maybe", "https://m/v1", kinds.OTHER)
BATCHES = ("/messages/batches", "/messages/batches/b_1/results")


@pytest.mark.parametrize(
    ("upstreams", "chosen"),
    [
        ((OPENAI, ANTHROPIC), "anthropic"),
        ((OPENAI, BESIDE, ANTHROPIC), "beside"),
        ((OPENAI, MAYBE), "maybe"),
        ((MAYBE, ANTHROPIC), "anthropic"),
        ((OPENAI, LOCAL), "local"),
        ((ANTHROPIC,), "anthropic"),
    ],
)
def test_anthropics_paths_go_to_the_first_upstream_that_has_them(
    upstreams: tuple[UpstreamSettings, ...], chosen: str
) -> None:
    async def scenario() -> None:
        scene = Scene(ok, *upstreams)
        for path in BATCHES:
            _, decision = await passed(scene, path, body=b'{"requests": []}')
            is_first = upstreams[0].name == chosen
            assert decision.resolved_by == ("default" if is_first else "config")
        for path in ("/files", "/files/f_1/content", "/models/x/y"):
            await passed(scene, path, "GET", VERSION)
        assert {call.upstream for call in scene.network.calls} == {chosen}
        await passed(scene, "/files", "GET", ())
        assert scene.network.calls[-1].upstream == upstreams[0].name

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("upstreams", "chosen"),
    [
        ((OPENAI, BESIDE, ANTHROPIC), "anthropic"),
        ((OPENAI, BESIDE), "openai"),
        ((ANTHROPIC, OPENAI), "anthropic"),
    ],
)
@pytest.mark.parametrize("path", ["/skills", "/skills/s_1/versions", "/agents", "/sessions/s_1"])
def test_the_rest_of_anthropics_api_is_anthropics(
    upstreams: tuple[UpstreamSettings, ...], chosen: str, path: str
) -> None:
    """OpenAI has skills, too: the key of one is not for the other."""

    async def scenario() -> None:
        scene = Scene(ok, *upstreams)
        for method, body in (("GET", b""), ("POST", b"{}")):
            await passed(scene, path, method, VERSION, body)
            assert scene.network.calls[-1].upstream == chosen
            await passed(scene, path, method, (), body)
            assert scene.network.calls[-1].upstream == upstreams[0].name

    asyncio.run(scenario())


def test_anthropics_paths_are_unknown_where_no_upstream_has_them() -> None:
    async def scenario() -> None:
        scene = Scene(ok, OPENAI, rules=(EMBED,))
        for path in BATCHES:
            with pytest.raises(UnknownRoute, match="translates only POST /v1/messages and POST "):
                await passed(scene, path, body=b'{"requests": []}')
        assert scene.network.calls == []
        await passed(scene, "/files", "GET", VERSION)
        assert scene.network.calls[-1].upstream == "openai"

    asyncio.run(scenario())


NO_ROUTES = [
    json_reply({"detail": "Not Found"}, 404),
    json_reply({"detail": "Method Not Allowed"}, 405),
    error_reply(404, "Invalid URL (POST /v1/nope)"),
    FakeReply(404, ((b"content-type", b"text/html"),), (b"<html>404</html>",)),
    FakeReply(404, (), ()),
]


def refused_with(reply: FakeReply) -> Scene:
    return Scene(lambda _: FakeReply(reply.status, reply.headers, reply.pieces), MAYBE)


@pytest.mark.parametrize("reply", NO_ROUTES)
@pytest.mark.parametrize(("path", "headers"), [(BATCHES[0], ()), ("/nope", VERSION)])
def test_anthropics_clients_get_their_envelope_where_there_is_no_route(
    path: str, headers: RawHeaders, reply: FakeReply
) -> None:
    async def scenario() -> None:
        decision = Decision()
        scene = refused_with(reply)
        forwarder = Forwarder(scene.settings, scene.resolver, scene.network.send, Apart())
        with pytest.raises(UnknownRoute, match=f"'maybe' has no endpoint for POST /v1{path}"):
            await forwarder.run(Request("POST", path, b"", headers, b"{}"), decision)
        assert decision.anthropic

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("path", "method", "headers", "reply"),
    [
        ("/nope", "POST", (), NO_ROUTES[0]),
        ("/nope", "HEAD", VERSION, NO_ROUTES[4]),
        (BATCHES[0], "POST", VERSION, error_reply(404, "No batch with this id.")),
        (
            BATCHES[0],
            "POST",
            VERSION,
            json_reply({"type": "error", "error": {"type": "x", "message": "Not Found"}}, 404),
        ),
    ],
)
def test_other_errors_and_clients_get_the_upstreams_own(
    path: str, method: str, headers: RawHeaders, reply: FakeReply
) -> None:
    async def scenario() -> None:
        answered, decision = await passed(refused_with(reply), path, method, headers, b"")
        assert (answered.status, decision.anthropic) == (404, False)

    asyncio.run(scenario())


SAID = "bge-m3 is overloaded, not bge-m3-large."
TOLD = "embed is overloaded, not bge-m3-large."


@pytest.mark.parametrize("has_length", [True, False])
@pytest.mark.parametrize("path", ["/embeddings", "/rerank"])
@pytest.mark.parametrize(("model", "told"), [("embed", TOLD), ("bge-m3", SAID)])
def test_an_error_names_the_model_as_the_client_does(
    path: str, model: str, told: str, *, has_length: bool
) -> None:
    error = error_reply(503, SAID)
    if not has_length:
        error = FakeReply(503, AS_JSON, error.pieces)
    scene = Scene(lambda _: error, LOCAL, rules=(EMBED,))
    reply, _ = asyncio.run(passed(scene, path, body=msgspec.json.encode({"model": model})))
    body = asyncio.run(whole(reply))
    assert (reply.status, msgspec.json.decode(body)["error"]["message"]) == (503, told)


def test_a_large_error_is_passed_on_as_it_came() -> None:
    length = (b"content-length", b"%d" % (1024 * 1024))
    scene = Scene(lambda _: FakeReply(503, (length,), (SAID.encode(),)), LOCAL, rules=(EMBED,))
    reply, _ = asyncio.run(passed(scene, body=b'{"model": "embed"}'))
    assert asyncio.run(whole(reply)) == SAID.encode()


async def whole(reply: ClientReply) -> bytes:
    if isinstance(reply.body, bytes):
        return reply.body
    return b"".join([piece async for piece in reply.body])
