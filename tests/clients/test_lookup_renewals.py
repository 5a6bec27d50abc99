"""Look-ups that fail or bring something new: what is known of models meanwhile, and afterwards."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from gateway.config.settings import CredentialPolicy, Settings, TimeoutSettings, UpstreamSettings
from gateway.config.store_settings import MemorySettings
from gateway.servers import Profile
from tests import kinds
from tests.clients.raw import RawConnection, connect
from tests.clients.running import RunningGateway, running_gateway
from tests.upstream.scripted import Peer, Request, scripted, with_length
from tests.waiting import PATIENCE

pytestmark = pytest.mark.anyio

NEGATIVE_TTL = 0.2
NOT_NOW = with_length(b"{}", "429 Too Many Requests", "Content-Type: application/json")


def as_json(body: object) -> bytes:
    return with_length(msgspec.json.encode(body), "200 OK", "Content-Type: application/json")


class Metadata:
    """What an upstream's metadata paths answer, which may change at any time; chat succeeds.

    A payload None is a 429.
    """

    def __init__(self, **payloads: Any) -> None:
        self.payloads = payloads
        self.asked: list[str] = []

    def answer(self, request: Request) -> bytes:
        if request.method == "POST":
            return as_json({"object": "chat.completion", "choices": []})
        parts = urlsplit(request.target)
        path = parts.path.rpartition("/")[2]
        self.asked.append(path)
        if "after" in parse_qs(parts.query):
            path = "second_page"
        listed = self.payloads.get(path)
        if listed is None:
            return NOT_NOW
        more = path == "jobs" and "second_page" in self.payloads
        return as_json({"object": "list", "data": listed, "has_more": more})

    async def serve(self, peer: Peer) -> None:
        while True:
            await peer.send(self.answer(await peer.request()))


def settings_for(base_url: str, kind: Profile, ttl: float) -> Settings:
    upstream = UpstreamSettings(
        "up",
        base_url,
        kind,
        credential=CredentialPolicy.NONE,
        timeouts=TimeoutSettings(metadata=PATIENCE),
    )
    return Settings((upstream,), memory=MemorySettings(ttl=ttl, negative_ttl=NEGATIVE_TTL))


class Client:
    """Asks a gateway where models live."""

    def __init__(self, gateway: RunningGateway, admin: RawConnection) -> None:
        self._gateway = gateway
        self._admin = admin

    def explained(self, model: str) -> dict[str, Any]:
        self._admin.request("GET", f"/resolve?model={model}&from=chat")
        explained: dict[str, Any] = self._admin.reply().json
        return explained

    def source(self, model: str) -> str:
        resolved_by: str = self.explained(model)["resolved_by"]
        return resolved_by

    def until(self, model: str, source: str) -> None:
        """Ask until that evidence decides."""
        end = time.monotonic() + PATIENCE
        while self.source(model) != source:
            assert time.monotonic() < end, "it never did"


@contextmanager
def client_of(settings: Settings) -> Iterator[Client]:
    with running_gateway(settings) as gateway, connect(gateway.admin_url) as admin:
        yield Client(gateway, admin)


Scenario = Callable[[Client, Metadata], None]


async def play(
    metadata: Metadata, scenario: Scenario, kind: Profile = kinds.OPENAI, ttl: float = 60
) -> None:
    """Run a scenario of one client and a server whose metadata changes."""

    def run(base_url: str) -> None:
        with client_of(settings_for(base_url, kind, ttl)) as client:
            scenario(client, metadata)

    serve: Callable[[Peer], Awaitable[None]] = metadata.serve
    async with scripted(serve) as upstream:
        await asyncio.to_thread(run, upstream.base_url)


def job(name: str, number: int = 1) -> dict[str, str]:
    return {"id": f"job-{number}", "model": "davinci-002", "fine_tuned_model": name}


def checkpoint(name: str) -> dict[str, str]:
    return {"id": f"id-of-{name}", "fine_tuned_model_checkpoint": name}


async def test_checkpoints_that_failed_are_read_and_new_ones_are_found() -> None:
    def scenario(client: Client, metadata: Metadata) -> None:
        assert client.source("ck-1") == "default"
        metadata.payloads["checkpoints"] = [checkpoint("ck-1")]
        client.until("ck-1", "job")
        assert client.source("ck-2") == "default"
        metadata.payloads["checkpoints"].append(checkpoint("ck-2"))
        client.until("ck-2", "job")

    await play(Metadata(models=[{"id": "m"}], jobs=[job("m")], checkpoints=None), scenario)


async def test_a_list_that_could_not_be_renewed_is_as_old_as_it_is() -> None:
    def scenario(client: Client, metadata: Metadata) -> None:
        def age() -> float:
            (evidence,) = client.explained("m")["evidence"][:1]
            seconds: float = evidence["age_seconds"]
            return seconds

        before = age()
        metadata.payloads["models"] = None
        while metadata.asked.count("models") == 1:
            before = age()
        while metadata.asked.count("models") < 3:
            assert age() >= before
        metadata.payloads["models"] = [{"id": "m"}]
        while age() > before:
            assert metadata.asked.count("models") >= 3

    await play(Metadata(models=[{"id": "m"}], jobs=[]), scenario, ttl=1.0)


async def test_job_records_stay_whole_when_only_some_can_be_read_again() -> None:
    def scenario(client: Client, metadata: Metadata) -> None:
        assert client.source("old") == "job"
        metadata.payloads |= {"jobs": [job("new"), job("mid")], "second_page": None}
        client.until("new", "job")
        assert client.source("old") == "job"
        assert client.source("mid") == "job"

    jobs = Metadata(models=[], jobs=[job("mid")], second_page=[job("old", 2)])
    await play(jobs, scenario)


async def test_another_software_behind_the_address_is_noticed() -> None:
    def scenario(client: Client, metadata: Metadata) -> None:
        assert client.explained("m")["kind"] == "vllm"
        assert "jobs" not in metadata.asked
        marks = {"object": "model", "created": 1, "owned_by": "acme", "shutdown_date": None}
        metadata.payloads["models"] = [{"id": "m", **marks}]
        client.until("m", "job")
        assert client.explained("m")["kind"] == "openai"

    vllm = {"id": "m", "object": "model", "owned_by": "vllm"}
    await play(Metadata(models=[vllm], jobs=[job("m")]), scenario, kinds.AUTO, ttl=0.2)


async def test_a_list_of_20_000_models_is_read_to_its_end() -> None:
    def scenario(client: Client, metadata: Metadata) -> None:
        last = client.explained("m-19999")["evidence"][0]
        assert last["detail"] == "in the model list, which does not say at which endpoint"
        other = client.explained("m-20000")["evidence"][0]
        assert other["detail"] == "not among the 20000 models that this key sees"

    listed = [{"id": f"m-{n}", "object": "model", "owned_by": "acme"} for n in range(20_000)]
    await play(Metadata(models=listed), scenario)
