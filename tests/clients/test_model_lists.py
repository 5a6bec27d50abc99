"""Model lists come in time without the upstreams that do not give theirs; cards are where they are.

No time is measured: without its bound, a list would come after `first_byte`, long after the test.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from urllib.parse import quote, unquote

import msgspec
import pytest

from gateway.config.settings import (
    ClientSettings,
    CredentialPolicy,
    ModelRule,
    RetiredSettings,
    Settings,
    TimeoutSettings,
    UpstreamSettings,
)
from tests import kinds
from tests.clients.raw import RawReply, connect
from tests.clients.running import running_gateway, stage
from tests.clients.test_isolation import client_settings
from tests.upstream.scripted import Peer, Request, Script, ScriptedUpstream, scripted, until
from tests.waiting import PATIENCE

pytestmark = pytest.mark.anyio

METADATA = 1.0
KEY = "gw-restricted-0123456789"
LISTS = ("/v1/models", "/v1/engines")


def reply(body: object, status: str = "200 OK") -> bytes:
    return framed(msgspec.json.encode(body), status)


def framed(body: bytes, status: str = "200 OK", length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {size}\r\n\r\n"
    return head.encode() + body


def list_of(*names: str) -> bytes:
    return reply({"object": "list", "data": [{"id": name, "object": "model"} for name in names]})


def having(*names: str, seen: list[str] | None = None) -> Script:
    """Serve the list and the cards of some models, and say what else was asked for."""

    async def script(peer: Peer) -> None:
        while True:
            request = await peer.request()
            if seen is not None:
                seen.append(f"{request.method} {request.target}")
            await peer.send(answered(request))

    def answered(request: Request) -> bytes:
        if request.target == "/v1/models":
            return list_of(*names)
        name = unquote(request.target.removeprefix("/v1/models/"))
        if name not in names and request.target.startswith("/v1/models/"):
            missing = {"message": f"The model '{name}' does not exist", "code": "model_not_found"}
            return reply({"error": missing}, "404 Not Found")
        return reply({"id": name, "object": "model", "asked": request.method})

    return script


Fault = Callable[[Peer], Awaitable[None]]


async def hangs(peer: Peer) -> None:
    await peer.gone()


async def trickles(peer: Peer) -> None:
    await peer.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    while True:
        await peer.send(b"1\r\n[\r\n")
        await asyncio.sleep(METADATA / 20)


async def trickles_its_head(peer: Peer) -> None:
    await peer.send(b"HTTP/1.1 200 OK\r\n")
    for number in range(10_000):
        await peer.send(b"x-%d: x\r\n" % number)
        await asyncio.sleep(METADATA / 20)


async def stalls_in_its_body(peer: Peer) -> None:
    await peer.send(framed(b'{"data":[{"id":"b1"}', length=1000))
    await peer.gone()


async def breaks_off(peer: Peer) -> None:
    await peer.send(framed(b'{"data":[{"id":"b1"}]}', length=1000))


async def resets(peer: Peer) -> None:
    peer.reset()


async def says_less_than_it_sends(peer: Peer) -> None:
    await peer.send(framed(b'{"data":[{"id":"b1"}]}', length=10))


async def sends_too_much(peer: Peer) -> None:
    await peer.send(framed(b" " * 1024 * 1024, length=17 * 1024 * 1024))
    for _ in range(16):
        await peer.send(b" " * 1024 * 1024)
    await peer.gone()


def sends(raw: bytes) -> Fault:
    async def fault(peer: Peer) -> None:
        while True:
            await peer.send(raw)
            await peer.request()

    return fault


LATE = "no answer within 1 s"
FAULTS: dict[str, tuple[Fault, str]] = {
    "hangs": (hangs, LATE),
    "trickles": (trickles, LATE),
    "trickles its head": (trickles_its_head, LATE),
    "stalls in its body": (stalls_in_its_body, LATE),
    "breaks off": (breaks_off, "it closed the connection before the end of its reply"),
    "resets": (resets, "it closed the connection"),
    "says less than it sends": (says_less_than_it_sends, "its reply is not JSON"),
    "sends too much": (sends_too_much, "The upstream's reply is larger than"),
    "sends HTML": (sends(framed(b"<html>")), "its reply is not JSON"),
    "sends half": (sends(framed(b'{"data":[')), "its reply is not JSON"),
    "sends no list": (sends(reply({"data": {"id": "b1"}})), "there is no list in its reply"),
    "sends an error": (sends(reply({"error": {"message": "x"}})), "its reply is an error"),
    "has no such route": (sends(reply({}, "404 Not Found")), "its reply has status 404"),
    "is overloaded": (sends(reply({}, "503 Busy")), "its reply has status 503"),
    "sends no HTTP": (sends(b"SSH-2.0-OpenSSH\r\n\r\n"), "it sent a reply that cannot be used"),
}


def doing(fault: Fault) -> Script:
    async def script(peer: Peer) -> None:
        await peer.request()
        await fault(peer)

    return script


def settings_for(
    *upstreams: ScriptedUpstream,
    rules: tuple[ModelRule, ...] = (),
    clients: tuple[ClientSettings, ...] = (),
    redirect: tuple[tuple[str, str], ...] = (),
    metadata: float = METADATA,
    punctual: str = "",
) -> Settings:
    """Return the settings of upstreams a, b and c. Those that are `punctual` have all the time."""
    named = [
        UpstreamSettings(
            name,
            each.base_url,
            kinds.OTHER,
            CredentialPolicy.NONE,
            timeouts=TimeoutSettings(metadata=PATIENCE if name in punctual else metadata),
        )
        for name, each in zip("abc", upstreams, strict=False)
    ]
    retired = RetiredSettings(redirect)
    return Settings(tuple(named), models=rules, clients=clients, retired=retired)


async def asked(
    settings: Settings, *requests: str, body: bytes = b"", **headers: str
) -> list[RawReply]:
    """Send requests ("GET /v1/models") through a gateway, one after the other."""

    def ask() -> list[RawReply]:
        replies = []
        with running_gateway(settings) as gateway:
            for request in requests:
                method, _, target = request.partition(" ")
                with connect(gateway.base_url) as client:
                    client.request(method, target, body, **headers)
                    replies.append(client.reply(to=method))
        return replies

    return await asyncio.to_thread(ask)


def ids(listed: RawReply) -> list[str]:
    assert listed.status == 200, listed.body
    return [each["id"] for each in listed.json["data"]]


@pytest.mark.parametrize("name", FAULTS)
async def test_a_list_comes_without_the_upstream_that_does_not_give_its_own(name: str) -> None:
    fault, why = FAULTS[name]
    async with (
        scripted(having("a1")) as a,
        scripted(doing(fault)) as b,
        scripted(having("c1")) as c,
    ):
        settings = settings_for(a, b, c, punctual="ac" if why == LATE else "abc")
        for listed in await asked(settings, *(f"GET {path}" for path in LISTS)):
            assert ids(listed) == ["a1", "c1"]
            warning = listed.headers["x-gateway-warning"]
            assert warning.startswith(f"the models of upstream 'b' are not listed: {why}")
            assert listed.headers["x-gateway-upstream"] == "a,c"


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("rules", [(), (ModelRule("my-bot", model="a1"),)])
async def test_where_all_hang_the_error_says_so(path: str, rules: tuple[ModelRule, ...]) -> None:
    async with scripted(doing(hangs)) as a, scripted(doing(trickles)) as b:
        (failed,) = await asked(settings_for(a, b, rules=rules), f"GET {path}")
        assert (failed.status, failed.error["code"]) == (504, "upstream_timeout")
        assert failed.error["message"] == (
            f"The models of upstream 'a' could not be listed: {LATE}; see timeouts.metadata. "
            f"Upstream 'b': {LATE}."
        )
        assert failed.headers["x-gateway-warning"].count(LATE) == 2
        # What nobody waits for is not left to run.
        await until(lambda: not a.open and not b.open)


async def test_a_list_that_the_gateway_makes_of_one_upstreams_is_bounded_too() -> None:
    rules = (ModelRule("my-bot", model="a1"),)
    clients = (client_settings("team", KEY, "*"),)
    async with scripted(doing(hangs)) as a:
        (aliased,) = await asked(settings_for(a, rules=rules), "GET /v1/models")
        (client,) = await asked(
            settings_for(a, clients=clients), "GET /v1/models", authorization=f"Bearer {KEY}"
        )
        (engines,) = await asked(settings_for(a), "GET /v1/engines")
    for failed in (aliased, client, engines):
        assert (failed.status, failed.error["code"]) == (504, "upstream_timeout")


async def test_a_list_to_which_nothing_is_added_takes_the_time_that_it_takes() -> None:
    async def slow(peer: Peer) -> None:
        await asyncio.sleep(0.1)
        await peer.send(framed(b'{"data": [ {"id":"a1"} ], "more": 1e999}'))

    async with scripted(doing(slow)) as a:
        (listed,) = await asked(settings_for(a, metadata=0.01), "GET /v1/models")
    assert listed.body == b'{"data": [ {"id":"a1"} ], "more": 1e999}'
    assert "x-gateway-warning" not in listed.headers


async def test_a_client_that_leaves_takes_its_questions_along() -> None:
    async with scripted(doing(hangs)) as a, scripted(doing(hangs)) as b:
        settings = settings_for(a, b, metadata=600)
        asking, leave = asyncio.Event(), asyncio.Event()
        loop = asyncio.get_running_loop()

        def ask() -> None:
            with running_gateway(settings) as gateway:
                with connect(gateway.base_url) as client:
                    client.request("GET", "/v1/models")
                    loop.call_soon_threadsafe(asking.set)
                    asyncio.run_coroutine_threadsafe(leave.wait(), loop).result(PATIENCE)
                asyncio.run_coroutine_threadsafe(until_both_are_free(), loop).result(PATIENCE)

        async def until_both_are_free() -> None:
            await until(lambda: not a.open and not b.open)

        asked = asyncio.create_task(asyncio.to_thread(ask))
        await asking.wait()
        await until(lambda: a.open == b.open == 1)
        leave.set()
        await asked


# --- cards --------------------------------------------------------------------------------------

NAMES = ("llama-3", "org/model", "ft:gpt-4o:acme:x:1", "a b", "mödel", "50%2Foff", "x:y@z", "a?b#c")


async def test_whatever_is_listed_can_be_retrieved_and_deleted_where_it_is() -> None:
    seen: dict[str, list[str]] = {"a": [], "b": [], "c": []}
    rules = (
        ModelRule("llama-*", upstream="c"),
        ModelRule("my-bot", model="org/model"),
        ModelRule("gpt-*", model="llama-3"),
    )
    clients = (client_settings("team", KEY, "[!f]*"),)
    async with AsyncExitStack() as stack:
        a, b, c = [
            await stack.enter_async_context(scripted(having(*models, seen=seen[name])))
            for name, models in (
                ("a", ("a1", "llama-3", "gpt-4o")),
                ("b", NAMES),
                ("c", ("llama-3", "b b")),
            )
        ]
        settings = settings_for(
            a, b, c, rules=rules, clients=clients, redirect=(("old", "a1"),), punctual="abc"
        )
        key = f"Bearer {KEY}"
        (listed,) = await asked(settings, "GET /v1/models", authorization=key)
        shown = ids(listed)
        owned = set(NAMES) - {"ft:gpt-4o:acme:x:1"}
        assert set(shown) == {*owned, "a1", "b b", "gpt-4o", "my-bot", "old"}
        encoded = [quote(name, safe="") for name in shown]
        as_they_are = [quote(name, safe="/:@") for name in shown]
        for paths in (encoded, as_they_are):
            gets = [f"GET /v1/models/{path}" for path in paths]
            for name, card in zip(
                shown, await asked(settings, *gets, authorization=key), strict=True
            ):
                assert (card.status, card.json["id"]) == (200, name)
        gets = [f"GET /v1/engines/{path}" for path in encoded]
        for name, card in zip(shown, await asked(settings, *gets, authorization=key), strict=True):
            assert (card.status, card.json["id"]) == (200, name)
        heads = [f"HEAD /v1/models/{path}" for path in encoded]
        assert {each.status for each in await asked(settings, *heads, authorization=key)} == {200}
        for asked_for in seen.values():
            asked_for.clear()
        deletions = [f"DELETE /v1/models/{path}" for path in encoded]
        done = await asked(settings, *deletions, authorization=key)
        statuses = dict(zip(shown, [each.status for each in done], strict=True))
        aliases = {"my-bot", "old", "gpt-4o"}
        assert {name for name, status in statuses.items() if status == 405} == aliases
        assert {status for name, status in statuses.items() if name not in aliases} == {200}
        deleted = {
            unquote(line.removeprefix("DELETE /v1/models/")): upstream
            for upstream, lines in seen.items()
            for line in lines
            if line.startswith("DELETE")
        }
        assert deleted == {
            **dict.fromkeys(owned, "b"),
            "a1": "a",
            "llama-3": "c",
            "b b": "c",
        }


async def test_a_card_is_found_although_another_upstream_hangs() -> None:
    async with scripted(doing(hangs)) as a, scripted(having("b1")) as b:
        settings = settings_for(a, b, punctual="b")
        for path in ("models", "engines"):
            (card,) = await asked(settings, f"GET /v1/{path}/b1")
            assert (card.status, card.json["id"]) == (200, "b1")
            assert card.headers["x-gateway-upstream"] == "b"


def without_cards(fault: Fault) -> Script:
    """Have no route for cards, and a fault in the list's place."""

    async def script(peer: Peer) -> None:
        while (await peer.request()).target != "/v1/models":
            await peer.send(reply({"detail": "Not Found"}, "404 Not Found"))
        await fault(peer)

    return script


@pytest.mark.parametrize("name", ["hangs", "trickles", "resets", "sends HTML"])
async def test_a_card_that_is_not_there_is_a_404_whatever_becomes_of_the_list(name: str) -> None:
    fault, why = FAULTS[name]
    async with scripted(without_cards(fault)) as a:
        settings = settings_for(a, punctual="" if why == LATE else "a")
        models, engines = await asked(settings, "GET /v1/models/b", "GET /v1/engines/b")
    for missing, param in ((models, "model"), (engines, "engine")):
        assert (missing.status, missing.error["code"]) == (404, "model_not_found")
        assert missing.error["param"] == param
        assert f"Its models could not be listed: {why}" in missing.error["message"]


async def test_an_alias_is_not_deleted_and_says_what_to_do() -> None:
    seen: list[str] = []
    rules = (ModelRule("my-bot", model="a1"),)
    async with scripted(having("a1", seen=seen)) as a:
        (refused,) = await asked(
            settings_for(a, rules=rules, punctual="a"), "DELETE /v1/models/my-bot"
        )
    assert refused.status == 405
    assert refused.headers["allow"] == "GET, HEAD"
    assert "'my-bot' is another name of 'a1'" in refused.error["message"]
    assert refused.error["param"] == "model"
    assert seen == []


@pytest.mark.parametrize("method", ["GET", "DELETE", "POST"])
async def test_a_deployments_path_says_where_it_is_passed_on_to(method: str) -> None:
    seen: list[str] = []
    rules = (ModelRule("dep", model="org/model"),)
    body = b'{"input":"x"}' if method == "POST" else b""
    async with scripted(having("a1")) as a, scripted(having("org/model", seen=seen)) as b:
        (passed,) = await asked(
            settings_for(a, b, rules=rules, punctual="ab"),
            f"{method} /openai/deployments/dep/embeddings",
            body=body,
        )
    assert passed.headers["x-gateway-upstream"] == "b"
    assert seen[-1] == f"{method} /v1/embeddings"


async def test_what_names_no_model_goes_to_the_first_upstream() -> None:
    async with scripted(having("a1")) as a, scripted(having("b1")) as b:
        requests = [
            "GET /v1/files",
            "GET /v1/batches/batch_1",
            "POST /v1/fine_tuning/jobs/ftjob-1/cancel",
            "HEAD /v1/models",
        ]
        for passed in await asked(settings_for(a, b, punctual="ab"), *requests):
            assert passed.headers["x-gateway-upstream"] == "a"


@pytest.mark.parametrize("upstream", ["openai", "anthropic"])
def test_a_card_that_is_not_there_is_denied_as_the_clients_own_api_does(upstream: str) -> None:
    """An SDK of Anthropic's gets what OpenAI says, and the other way round."""
    rule = ModelRule("no-such-*", upstream=upstream)
    with stage(rule, with_anthropic=True) as both, connect(both.base_url) as client:
        client.request("GET", "/v1/models/no-such-model", anthropic_version="2023-06-01")
        theirs = client.reply()
        client.request("GET", "/v1/models/no-such-model")
        ours = client.reply()
    assert (theirs.status, ours.status) == (404, 404)
    assert theirs.json["type"] == "error"
    assert theirs.json["error"]["type"] == "not_found_error"
    assert "no-such-model" in theirs.json["error"]["message"]
    assert theirs.json["request_id"] == theirs.headers["request-id"]
    assert (ours.error["type"], ours.error["code"]) == ("invalid_request_error", "model_not_found")
