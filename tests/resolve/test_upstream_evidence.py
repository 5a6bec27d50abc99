"""What the upstream's metadata says, asked side by side, and whether it could be read at all."""

import asyncio
from typing import Any

import pytest

from gateway.config.settings import Settings, UpstreamSettings
from gateway.config.store_settings import MemorySettings
from gateway.resolve.evidence import Evidence, Source
from gateway.resolve.memory import LearnedEndpoints
from gateway.resolve.metadata.cache import Wait
from gateway.resolve.metadata.lookup import Lookup
from gateway.resolve.names.catalogue import Catalogue
from gateway.resolve.names.name_evidence import NameEvidence
from gateway.resolve.resolution import ModelQuery, Resolution
from gateway.resolve.upstream_evidence import UpstreamEvidence
from gateway.servers import Profile
from gateway.shapes import Json, RawHeaders, Shape, UpstreamCall
from tests import kinds
from tests.fakes import FakeClock, FakeReply, error_reply, fingerprint, json_reply
from tests.upstream.scripted import until

ALICE: RawHeaders = ((b"authorization", b"Bearer alice"),)
JOB = {"id": "job-1", "model": "davinci-002", "fine_tuned_model": "m"}
CHATTING = {"id": "m", "capabilities": {"chat_completion": True, "completion": False}}


class Scene:
    """The metadata of one server, whose answers can be held back."""

    def __init__(self, kind: Profile, **answers: Any) -> None:
        self.answers = answers
        self.asked: list[str] = []
        self.barrier = asyncio.Event()
        self.clock = FakeClock()
        self.upstream = UpstreamSettings("up", "http://127.0.0.1:1/v1", kind)
        settings = Settings((self.upstream,), memory=MemorySettings(ttl=100, negative_ttl=10))
        self.lookup = Lookup(settings, self.send, fingerprint, self.clock)
        self.names = NameEvidence(Catalogue.load())
        learned = LearnedEndpoints(settings.memory, self.clock)
        self.evidence = UpstreamEvidence(self.lookup, learned, self.names)

    async def send(self, call: UpstreamCall) -> FakeReply:
        self.asked.append(call.path)
        await self.barrier.wait()
        payload = self.answers.get(call.path.rpartition("/")[2])
        return error_reply(403, "no") if payload is None else json_reply({"data": payload})

    def resolution(
        self, model: str = "m", *evidence: Evidence, shape: Shape = Shape.CHAT, wait: bool = True
    ) -> Resolution:
        found = Resolution(
            ModelQuery(model, shape, headers=ALICE),
            self.upstream,
            self.lookup.kind(self.upstream),
            model,
            self.lookup.scope("up", ALICE),
            None,
            list(evidence),
            Wait(asyncio.get_running_loop().time(), wait),
        )
        self.names.collect(found)
        return found

    async def gathered(self, model: str = "m", **more: Any) -> Resolution:
        resolution = self.resolution(model, **more)
        await self.evidence.gather(resolution)
        return resolution


async def asked_at_once(scene: Scene, resolution: Resolution) -> list[str]:
    """Return what is asked before the first answer is there, then let it all come."""
    gathering = asyncio.create_task(scene.evidence.gather(resolution))
    await until(lambda: bool(scene.asked))
    for _ in range(9):
        await asyncio.sleep(0)
    asked = list(scene.asked)
    scene.barrier.set()
    await gathering
    return asked


@pytest.mark.parametrize(
    ("kind", "asked"),
    [
        (kinds.OPENAI, ["/models", "/fine_tuning/jobs"]),
        (kinds.OTHER, ["/models", "/fine_tuning/jobs"]),
        (kinds.VLLM, ["/models"]),
        (kinds.LITELLM, ["/models", "/model/info", "/fine_tuning/jobs"]),
        (kinds.OLLAMA, ["/models", "/api/show"]),
        (kinds.LLAMACPP, ["/models", "/props"]),
        (kinds.AUTO, ["/models"]),
    ],
)
def test_what_does_not_depend_on_the_list_is_asked_beside_it(
    kind: Profile, asked: list[str]
) -> None:
    async def scenario() -> None:
        scene = Scene(kind, models=[{"id": "m"}], jobs=[JOB])
        assert await asked_at_once(scene, scene.resolution()) == asked

    asyncio.run(scenario())


def test_many_first_requests_ask_for_each_thing_once() -> None:
    async def scenario() -> None:
        scene = Scene(kinds.OPENAI, models=[{"id": "m"}], jobs=[JOB])
        gathering = [asyncio.create_task(scene.gathered()) for _ in range(200)]
        await until(lambda: len(scene.asked) == 2)
        scene.barrier.set()
        found = await asyncio.gather(*gathering)
        assert scene.asked == ["/models", "/fine_tuning/jobs"]
        assert {resolution.evidence[-1].source for resolution in found} == {Source.JOB}

    asyncio.run(scenario())


def test_no_jobs_are_asked_for_where_something_stronger_has_decided() -> None:
    async def scenario() -> None:
        rule = Evidence(Source.CONFIG, "a rule", (Shape.CHAT,))
        scene = Scene(kinds.OPENAI, models=[{"id": "m"}])
        assert await asked_at_once(scene, scene.resolution("m", rule)) == ["/models"]

        scene = Scene(kinds.AZURE, models=[CHATTING])
        scene.barrier.set()
        await scene.gathered()
        scene.asked.clear()
        scene.clock.advance(100)
        await scene.gathered()
        await until(lambda: scene.asked == ["/models"])

        scene = Scene(kinds.VLLM, models=[])
        scene.barrier.set()
        assert "/fine_tuning/jobs" not in (await scene.gathered(), scene.asked)[1]

    asyncio.run(scenario())


def test_a_failed_list_is_no_reason_to_wait_for_anything_else() -> None:
    async def scenario() -> None:
        scene = Scene(kinds.OPENAI, jobs=[JOB])
        scene.barrier.set()
        resolution = await scene.gathered()
        assert resolution.evidence[-1].shapes == (Shape.COMPLETIONS,)
        await scene.gathered()
        assert scene.asked == ["/models", "/fine_tuning/jobs"]

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("answers", "unreadable"),
    [
        ({}, True),
        ({"models": []}, True),
        ({"models": [{"id": None}, "m"]}, True),
        ({"models": [{"id": "other"}]}, False),
        ({"models": [{"id": "other"}], "jobs": []}, False),
        ({"models": [{"id": "m"}]}, False),
        ({"jobs": [JOB]}, True),
    ],
)
def test_a_list_that_cannot_name_the_model_is_noted(
    answers: dict[str, Any], unreadable: bool
) -> None:
    async def scenario() -> None:
        scene = Scene(kinds.OPENAI, **answers)
        scene.barrier.set()
        assert (await scene.gathered()).unreadable == unreadable

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("models", "detail"),
    [
        ([], "the model list is empty"),
        ([{"id": "b"}], "not the one model that this key sees"),
        ([{"id": "b"}, {"id": "c"}], "not among the 2 models that this key sees"),
    ],
)
def test_a_list_without_the_model_is_said_to_have_so_many(models: list[Json], detail: str) -> None:
    async def scenario() -> None:
        scene = Scene(kinds.OPENAI, models=models)
        scene.barrier.set()
        details = [piece.detail for piece in (await scene.gathered()).evidence]
        assert details[0] == detail

    asyncio.run(scenario())


def test_nobody_waits_who_need_not_and_an_unread_list_is_unreadable() -> None:
    async def scenario() -> None:
        scene = Scene(kinds.OPENAI, models=[{"id": "m"}], jobs=[JOB])
        first = await scene.gathered(wait=False)
        assert first.unreadable
        assert [piece.detail for piece in first.evidence] == [
            "the model list could not be read (it is being looked up)",
            "the job records could not be read (it is being looked up)",
        ]
        scene.barrier.set()
        await until(lambda: scene.lookup.caches.version == 2)
        second = await scene.gathered(wait=False)
        assert not second.unreadable
        assert second.evidence[-1].base == "davinci-002"
        assert scene.asked == ["/models", "/fine_tuning/jobs"]

    asyncio.run(scenario())


def test_names_are_asked_again_when_the_server_turns_out_to_be_another() -> None:
    async def scenario() -> None:
        scene = Scene(kinds.AUTO, models=[{"id": "gpt-4o", "owned_by": "vllm"}])
        scene.barrier.set()
        assert (await scene.gathered("gpt-4o")).kind is kinds.VLLM
        marked = {
            "id": "m",
            "object": "model",
            "created": 1,
            "owned_by": "x",
            "shutdown_date": None,
        }
        scene.answers["models"] = [marked]
        scene.clock.advance(11)
        resolution = await scene.gathered("davinci-002")
        assert resolution.kind is kinds.OPENAI
        assert resolution.evidence[0].source is Source.CATALOGUE
        scene.answers["models"] = [{"id": "gpt-4o", "owned_by": "vllm"}]
        scene.clock.advance(11)
        resolution = await scene.gathered("gpt-4o-mini")
        assert resolution.kind is kinds.VLLM
        assert [piece.source for piece in resolution.evidence] == [Source.CAPABILITY]

    asyncio.run(scenario())
