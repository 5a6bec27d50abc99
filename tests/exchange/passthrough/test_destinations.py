"""The HTTP half of realtime: models in sessions, in forms and in queries lead to their upstream."""

from typing import Any

import msgspec
import pytest

from gateway.config.settings import (
    ClientSettings,
    CredentialPolicy,
    ModelRule,
    UpstreamSettings,
)
from gateway.errors import PermissionDenied
from gateway.exchange.bodies.apart import Apart
from gateway.exchange.decision import Decision
from gateway.exchange.passthrough.forward import Forwarder
from gateway.request import Request
from gateway.shapes import RawHeaders, UpstreamCall
from tests import kinds
from tests.exchange.passthrough.test_forward import pieces, sent_body
from tests.exchange.scene import OPENAI, Scene
from tests.fakes import json_reply

pytestmark = pytest.mark.anyio

VOICE = UpstreamSettings("voice", "https://v/v1", kinds.OPENAI, CredentialPolicy.NONE)
RULES = (
    ModelRule("talk", model="gpt-realtime-2.1", upstream="voice"),
    ModelRule("hear", model="gpt-transcribe", upstream="voice"),
)
AS_JSON: RawHeaders = ((b"content-type", b"application/json"),)
AS_FORM: RawHeaders = ((b"content-type", b"multipart/form-data; boundary=b"),)
AS_SDP: RawHeaders = ((b"content-type", b"application/sdp"),)
CLIENT = ClientSettings("team", ("0" * 64,), models=("talk", "hear"))
HEARD = {"audio": {"input": {"transcription": {"model": "hear"}}}}


async def passed(
    path: str,
    body: Any,
    headers: RawHeaders = AS_JSON,
    query: bytes = b"",
    *,
    method: str = "POST",
    client: ClientSettings | None = None,
) -> tuple[UpstreamCall, bytes]:
    scene = Scene(lambda _: json_reply({}), OPENAI, VOICE, rules=RULES)
    forwarder = Forwarder(scene.settings, scene.resolver, scene.network.send, Apart())
    sent = msgspec.json.encode(body) if isinstance(body, dict) else body
    await forwarder.run(Request(method, path, query, headers, sent, client), Decision())
    call = scene.network.calls[-1]
    return call, await sent_body(call)


def form(session: bytes) -> bytes:
    return (
        b'--b\r\nContent-Disposition: form-data; name="sdp"\r\n\r\nv=0\r\n'
        b'--b\r\nContent-Disposition: form-data; name="session"\r\n\r\n%b\r\n--b--\r\n' % session
    )


@pytest.mark.parametrize("client", [None, CLIENT])
@pytest.mark.parametrize(
    ("path", "body", "sent"),
    [
        (
            "/realtime/client_secrets",
            {"session": {"type": "realtime", "model": "talk"}, "expires_after": {"seconds": 1}},
            {
                "session": {"type": "realtime", "model": "gpt-realtime-2.1"},
                "expires_after": {"seconds": 1},
            },
        ),
        (
            "/realtime/client_secrets",
            {"session": {"type": "transcription", **HEARD}},
            {
                "session": {
                    "type": "transcription",
                    "audio": {"input": {"transcription": {"model": "gpt-transcribe"}}},
                }
            },
        ),
        (
            "/realtime/transcription_sessions",
            {"input_audio_transcription": {"model": "hear"}},
            {"input_audio_transcription": {"model": "gpt-transcribe"}},
        ),
        (
            "/live/sessions",
            {"session": {"model": "talk"}},
            {"session": {"model": "gpt-realtime-2.1"}},
        ),
        ("/realtime/sessions", {"model": "talk"}, {"model": "gpt-realtime-2.1"}),
        ("/realtime/calls/c1/accept", {"model": "talk"}, {"model": "gpt-realtime-2.1"}),
    ],
)
async def test_a_sessions_model_leads_to_its_upstream_under_its_name(
    path: str, body: Any, sent: Any, client: ClientSettings | None
) -> None:
    call, received = await passed(path, body, client=client)
    assert call.upstream == "voice"
    assert msgspec.json.decode(received) == sent


async def test_what_a_session_says_beside_its_model_decides_nothing() -> None:
    body = {"session": {"model": "gpt-realtime", **HEARD}}
    call, received = await passed("/realtime/client_secrets", body)
    assert call.upstream == "openai"
    assert msgspec.json.decode(received) == body
    call, _ = await passed("/evals", {"session": {"model": "talk"}})
    assert call.upstream == "openai"


@pytest.mark.parametrize("client", [None, CLIENT])
@pytest.mark.parametrize("streamed", [False, True])
async def test_a_form_may_have_the_session_as_a_field(
    client: ClientSettings | None, streamed: bool
) -> None:
    body = form(b'{"type":"realtime","model":"talk"}')
    given: Any = pieces(body[:70], body[70:] + b"x" * 70_000) if streamed else body
    if client is not None and streamed:
        given = pieces(body[:70], body[70:])
    call, received = await passed("/realtime/calls", given, AS_FORM, client=client)
    assert call.upstream == "voice"
    assert b'{"type":"realtime","model":"gpt-realtime-2.1"}\r\n' in received


@pytest.mark.parametrize("query", [b"model=talk", b"deployment=talk"])
async def test_a_query_may_name_the_model_of_a_call(query: bytes) -> None:
    call, received = await passed("/realtime/calls", b"v=0\r\n", AS_SDP, query)
    assert (call.upstream, call.query, received) == ("voice", b"model=gpt-realtime-2.1", b"v=0\r\n")
    call, _ = await passed("/realtime/calls/c1", b"", (), query, method="GET")
    assert call.upstream == "voice"


async def test_a_query_elsewhere_and_an_offer_without_a_model_go_to_the_default() -> None:
    call, _ = await passed("/files", b"", (), b"model=talk", method="GET")
    assert (call.upstream, call.query) == ("openai", b"model=talk")
    call, _ = await passed("/realtime/calls", b"v=0\r\n", AS_SDP, b"x=y")
    assert (call.upstream, call.query) == ("openai", b"x=y")
    call, _ = await passed("/realtime/calls", pieces(b"v=0", b"x" * 70_000), AS_SDP)
    assert call.upstream == "openai"
    call, _ = await passed("/realtime/calls", form(b"{}"), AS_FORM)
    assert call.upstream == "openai"


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        ({"session": {"model": "gpt-realtime"}}, AS_JSON),
        ({"session": {"type": "realtime", "voice": "x"}}, AS_JSON),
        (
            {"session": {"model": "talk", "audio": {"input": {"transcription": {"model": "w"}}}}},
            AS_JSON,
        ),
        (form(b'{"model":"gpt-realtime"}'), AS_FORM),
    ],
)
async def test_a_restricted_clients_session_has_its_models_only(
    body: Any, headers: RawHeaders
) -> None:
    with pytest.raises(PermissionDenied):
        await passed("/realtime/calls", body, headers, client=CLIENT)
