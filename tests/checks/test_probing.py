"""What is found out about upstreams, and that nothing is generated."""

import asyncio
import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from gateway.app import build
from gateway.checks.probing import Key, Probe, Served, probe_all
from gateway.config.secret import Secret
from gateway.config.settings import CredentialPolicy, Settings, TimeoutSettings, UpstreamSettings
from gateway.shapes import RawHeaders, Shape
from tests import kinds
from tests.addresses import held_port
from tests.held_upstream import PATIENCE

LIST = (200, {"data": [{"id": "a"}, {"id": "b"}]})
BROKEN = (400, {"error": {"message": "We could not parse the JSON body of your request."}})
NOT_FOUND = (404, {"detail": "Not Found"})
REFUSED = (401, {"error": {"message": "Incorrect API key provided"}})
FORBIDDEN = (403, {"error": {"message": "Missing scopes: api.model.read"}})
BUSY = (503, {"error": {"message": "Loading model"}})
Replies = Mapping[str, tuple[int, Any]]
OWN_KEY = ((b"authorization", b"Bearer sk-own"),)
PATIENT = TimeoutSettings(metadata=PATIENCE)
ALL = {f"/v1{shape.path}": BROKEN for shape in Shape}


@contextmanager
def server(replies: Replies) -> Iterator[tuple[str, list[bytes]]]:
    """Serve these replies by path, and 404s; yield the address, and the bodies received."""
    bodies: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            bodies.append(self.rfile.read(int(self.headers.get("content-length", 0))))
            status, payload = replies.get(self.path, NOT_FOUND)
            if status == 0:
                self.close_connection = True
                return
            body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
            self.send_response(status)
            length = len(body) + (1 if payload == b"cut" else 0)
            self.send_header("content-length", str(length))
            self.end_headers()
            self.wfile.write(body)
            self.close_connection = payload == b"cut"

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{running.server_port}", bodies
        finally:
            running.shutdown()
            thread.join()


def probed(url: str, headers: RawHeaders = (), **keys: Any) -> Probe:
    """Ask one upstream at this URL."""
    given = {"credential": CredentialPolicy.NONE, "timeouts": PATIENT, **keys}
    settings = Settings((UpstreamSettings("a", url, **given),))

    async def ask() -> Probe:
        application = build(settings)
        try:
            (found,) = await probe_all(application, headers)
        finally:
            await application.aclose()
        return found

    return asyncio.run(ask())


def served(probe: Probe) -> dict[str, str]:
    return {shape.value: endpoint.served.value for shape, endpoint in probe.endpoints.items()}


def test_a_server_shows_its_list_and_endpoints_and_can_generate_nothing() -> None:
    replies = {"/v1/models": LIST, **ALL, "/v1/responses": NOT_FOUND}
    with server(replies) as (url, bodies):
        probe = probed(f"{url}/v1")
    assert (probe.models, probe.key, probe.problem, probe.doubts) == (2, Key.UNNEEDED, "", [])
    assert served(probe) == {
        "completions": "yes",
        "chat": "yes",
        "responses": "no",
        "messages": "yes",
    }
    assert sorted(bodies) == [b"", b"{", b"{", b"{", b"{"]


@pytest.mark.parametrize(
    ("reply", "is_served"),
    [
        ((500, b"Internal Server Error"), Served.YES),
        ((422, {"detail": [{"type": "json_invalid"}]}), Served.YES),
        ((400, b"cut"), Served.YES),
        ((400, b"x" * 100_000), Served.YES),
        ((404, {"error": {"message": "Invalid URL (POST /v1/x)"}}), Served.NO),
        ((400, {"error": {"message": "Invalid URL (POST /v1/x)"}}), Served.NO),
        ((405, b""), Served.NO),
        ((404, {"message": "an unusual text"}), Served.NO),
        (BUSY, Served.UNKNOWN),
        ((429, {}), Served.UNKNOWN),
        ((200, b"<html>the page of an application</html>"), Served.UNKNOWN),
        ((301, b""), Served.UNKNOWN),
    ],
)
def test_a_refusal_shows_whether_there_is_an_endpoint(
    reply: tuple[int, Any], is_served: Served
) -> None:
    with server({"/v1/models": LIST, **ALL, "/v1/responses": reply}) as (url, _):
        probe = probed(f"{url}/v1")
    assert probe.endpoints[Shape.RESPONSES].served is is_served
    doubts = [f"/v1/responses: status {reply[0]}"] if is_served is Served.UNKNOWN else []
    assert (probe.problem, probe.doubts) == ("", doubts)


ALL_REFUSED = dict.fromkeys(("/v1/models", *ALL), REFUSED)
REFUSED_AS_BAD = dict.fromkeys(ALL_REFUSED, (400, REFUSED[1]))


@pytest.mark.parametrize(
    ("replies", "keys", "headers", "key", "problem"),
    [
        ({"/v1/models": LIST, **ALL}, {"api_key": Secret("k")}, (), Key.ACCEPTED, ""),
        ({"/v1/models": FORBIDDEN, **ALL}, {"api_key": Secret("k")}, (), Key.ACCEPTED, ""),
        (ALL_REFUSED, {"api_key": Secret("k")}, (), Key.REFUSED, "check its api_key or headers"),
        # The list is public.
        ({**ALL_REFUSED, "/v1/models": LIST}, {"api_key": Secret("k")}, (), Key.REFUSED, "check"),
        (REFUSED_AS_BAD, {"api_key": Secret("k")}, (), Key.REFUSED, "check its api_key or headers"),
        (ALL_REFUSED, {}, (), Key.MISSING, "requires a key; set its api_key"),
        (ALL_REFUSED, {"credential": CredentialPolicy.CALLER}, (), Key.MISSING, ""),
        (
            ALL_REFUSED,
            {"credential": CredentialPolicy.CALLER},
            OWN_KEY,
            Key.REFUSED,
            "refuses the key; check OPENAI_API_KEY",
        ),
        (
            {"/v1/models": LIST, **ALL},
            {"credential": CredentialPolicy.CALLER},
            OWN_KEY,
            Key.ACCEPTED,
            "",
        ),
        (dict.fromkeys(("/v1/models", *ALL), FORBIDDEN), {}, (), Key.MISSING, "requires a key"),
        (
            {**ALL_REFUSED, "/v1/models": LIST, "/v1/messages": BROKEN},
            {"api_key": Secret("k"), "kind": kinds.ANTHROPIC},
            (),
            Key.ACCEPTED,
            "",
        ),
        (
            {**ALL, "/v1/models": LIST, "/v1/messages": REFUSED},
            {"api_key": Secret("k"), "kind": kinds.ANTHROPIC},
            (),
            Key.REFUSED,
            "check its api_key or headers",
        ),
    ],
)
def test_a_key_is_accepted_refused_or_missing(
    replies: Replies, keys: dict[str, Any], headers: RawHeaders, key: Key, problem: str
) -> None:
    policy = {"credential": CredentialPolicy.KEY} if "api_key" in keys else {}
    with server(replies) as (url, _):
        probe = probed(f"{url}/v1", headers, **policy, **keys)
    assert probe.key is key
    assert problem in probe.problem
    assert bool(problem) == bool(probe.problem)


def test_a_caller_without_a_key_is_told_how_to_try_one() -> None:
    with server(ALL_REFUSED) as (url, _):
        probe = probed(f"{url}/v1", credential=CredentialPolicy.CALLER)
    assert probe.doubts == ["requires a key, and there is none to try; set OPENAI_API_KEY"]


@pytest.mark.parametrize(
    ("path", "replies", "problem"),
    [
        ("", {"/v1/models": LIST, **ALL}, ", but answers below /v1; write base_url: {url}/v1"),
        ("", {"/v1/models": REFUSED}, ", but answers below /v1; write base_url: {url}/v1"),
        ("", {}, "; check base_url"),
        ("/v1", {}, "; check base_url"),
    ],
)
def test_a_server_without_endpoints_is_sought_below_v1(
    path: str, replies: Replies, problem: str
) -> None:
    with server(replies) as (url, _):
        probe = probed(f"{url}{path}")
    address = f"{url}{path}"
    assert probe.problem == f"has no generation endpoint at {address}{problem.format(url=url)}"


def test_a_server_that_shows_nothing_is_a_problem() -> None:
    with server(dict.fromkeys(("/v1/models", *ALL), BUSY)) as (url, _):
        probe = probed(f"{url}/v1")
    assert probe.key is Key.UNKNOWN
    assert probe.problem == "shows no generation endpoint (status 503)"


def test_a_server_that_refuses_the_certificate_by_a_reply_is_a_problem() -> None:
    page = b"<html><head><title>400 No required SSL certificate was sent</title></head></html>"
    with server(dict.fromkeys(("/v1/models", *ALL), (400, page))) as (url, _):
        probe = probed(f"{url}/v1")
    assert set(served(probe).values()) == {"?"}
    said = "accepts no client certificate; check tls"
    assert probe.problem == f"shows no generation endpoint ({said})"


def test_a_server_that_is_not_there_is_a_problem() -> None:
    with server({}) as (url, _):
        pass
    probe = probed(f"{url}/v1")
    assert "cannot be reached: the connection was refused" in probe.problem
    assert set(served(probe).values()) == {"?"}


def test_a_server_that_goes_away_is_not_sought_elsewhere() -> None:
    with server({"/v1/models": (0, b"")}) as (url, _):
        probe = probed(url)
    assert probe.problem == f"has no generation endpoint at {url}; check base_url"


def test_an_azure_resource_is_asked_for_its_list_only() -> None:
    path = "/openai/models?api-version=2024-10-21"
    with server({path: LIST}) as (url, bodies):
        policy = CredentialPolicy.KEY
        probe = probed(url, kind=kinds.AZURE, api_key=Secret("k"), credential=policy)
        assert bodies == [b""]
    assert (probe.models, probe.key, probe.problem) == (2, Key.ACCEPTED, "")
    assert "is served for each deployment" in probe.doubts[0]


def test_each_of_several_addresses_is_asked() -> None:
    with server({"/v1/models": LIST, **ALL}) as (url, _), server({"/v1/models": BUSY}) as (busy, _):
        dead = f"http://127.0.0.1:{held_port()}/v1"
        found = probed(f"{url}/v1", further_urls=(f"{busy}/v1", dead))
    assert (found.problem, found.models) == ("", 2)
    assert found.doubts == [
        f"{busy}/v1 does not answer (loading)",
        f"{dead} does not answer (refused)",
    ]


def test_a_server_that_hangs_is_given_up_after_the_time_for_look_ups() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
        other = url.replace("127.0.0.1", "localhost")
        times = TimeoutSettings(metadata=0.3)
        alone = probed(url, timeouts=times)
        several = probed(url, timeouts=times, further_urls=(other,))
    assert alone.problem == several.problem == "no answer within 0.3 s"
    for endpoint in alone.endpoints.values():
        assert endpoint.detail == "Upstream 'a' sent no reply to a look-up within 0.3 s."
    assert set(several.failing) == {url, other}


def test_upstreams_are_asked_at_once() -> None:
    together = threading.Barrier(2)

    class Meeting(dict[str, tuple[int, Any]]):
        def get(self, key: str, default: Any = None) -> Any:
            if key == "/v1/models":
                together.wait(timeout=PATIENCE)
            return super().get(key, default)

    with (
        server(Meeting({"/v1/models": LIST, **ALL})) as (one, _),
        server(Meeting({"/v1/models": LIST, **ALL})) as (other, _),
    ):
        settings = Settings(
            tuple(
                UpstreamSettings(name, f"{url}/v1", timeouts=PATIENT)
                for name, url in (("a", one), ("b", other))
            )
        )

        async def ask() -> list[Probe]:
            application = build(settings)
            try:
                return await probe_all(application, ())
            finally:
                await application.aclose()

        found = asyncio.run(ask())
    assert [probe.models for probe in found] == [2, 2]
