"""What is known of a model beside its endpoint."""

import asyncio
from datetime import date
from typing import Any

import pytest

from gateway.config.settings import Settings, UpstreamSettings
from gateway.config.store_settings import MemorySettings
from gateway.resolve.evidence import Route
from gateway.resolve.facts import Facts, other_endpoints_of
from gateway.resolve.memory import LearnedEndpoints
from gateway.resolve.metadata.lookup import Lookup
from gateway.resolve.metadata.model_lists import ModelCard
from gateway.resolve.names.catalogue import Catalogue, CatalogueEntry
from gateway.resolve.names.name_evidence import NameEvidence
from gateway.resolve.resolver import ModelQuery, Resolver
from gateway.servers import Profile
from gateway.shapes import Shape, UpstreamCall
from tests import kinds
from tests.fakes import (
    Answer,
    FakeClock,
    FakeReply,
    FakeUpstream,
    error_reply,
    fingerprint,
    json_reply,
)

OPENAI = UpstreamSettings("openai", "https://api.openai.com/v1", kinds.OPENAI)
LITELLM = UpstreamSettings("lite", "http://127.0.0.1:4000/v1", kinds.LITELLM)
DAY = 86_400.0
NOVEMBER = (date(2026, 11, 28) - date(1970, 1, 1)).days * DAY


class Scene:
    """A resolver before a fake network, on a day."""

    def __init__(
        self,
        *cards: dict[str, Any],
        upstream: UpstreamSettings = OPENAI,
        now: float = NOVEMBER,
        catalogue: Catalogue | None = None,
    ) -> None:
        def answer(call: UpstreamCall) -> Answer:
            if call.path.endswith("/models"):
                return json_reply({"object": "list", "data": list(cards)})
            if call.path.endswith("/model/info"):
                return json_reply({"data": list(cards)})
            return error_reply(404, "not here")

        self.now = now
        clock = FakeClock()
        settings = Settings((upstream,), memory=MemorySettings(ttl=100, negative_ttl=10))
        self.resolver = Resolver(
            settings,
            Lookup(settings, FakeUpstream(answer).send, fingerprint, clock),
            LearnedEndpoints(settings.memory, clock),
            catalogue or Catalogue.load(),
            lambda: self.now,
        )

    def route(self, model: str, *, explain: bool = False) -> Route:
        find = self.resolver.explain if explain else self.resolver.resolve
        return asyncio.run(find(ModelQuery(model, Shape.CHAT, headers=())))


@pytest.mark.parametrize(
    ("model", "replacement"),
    [
        ("text-davinci-003", "gpt-5.6-terra"),
        ("babbage", "gpt-5.6-terra"),
        ("gpt-3.5-turbo-0301", "gpt-5.6-terra"),
        ("o1-mini", "gpt-5.6-terra"),
        ("chatgpt-4o-latest", "gpt-5.6-sol"),
        ("davinci-002", "gpt-5.6-terra"),
        ("gpt-4-0314", "gpt-5 or gpt-4.1"),
        ("o1-pro", "gpt-5.6-sol (reasoning.mode: pro)"),
        ("curie:ft-acme-2021-03-03-21-44-20", "fine-tune a current base via /v1/fine_tuning/jobs"),
        ("gpt-5", "gpt-6.1-sol"),
        ("gpt-5.6-sol", None),
        ("sora-2", None),
        ("gpt-9", None),
    ],
)
def test_a_suggested_replacement_lives(model: str, replacement: str | None) -> None:
    assert Scene().route(model).replacement == replacement


def test_what_is_suggested_changes_with_the_days() -> None:
    early = Scene(now=NOVEMBER - 400 * DAY)
    assert early.route("text-davinci-003").replacement == "gpt-3.5-turbo-instruct"
    late = Scene(now=NOVEMBER + 20 * DAY)
    assert late.route("gpt-4-0314").replacement == "gpt-6.1-sol or gpt-4.1"
    later = Scene(now=NOVEMBER + 60 * DAY)
    assert later.route("gpt-4-0314").replacement == "gpt-6.1-sol or gpt-6-luna"


def test_the_upstreams_list_knows_later_dates_than_the_catalogue() -> None:
    listed = Scene({"id": "gpt-5.6-terra", "shutdown_date": "2026-11-20"}, {"id": "acme"})
    listed.route("acme")
    route = listed.route("davinci-002")
    assert (route.retired, route.replacement) == ("2026-09-28", None)
    announced = Scene({"id": "o3", "shutdown_date": "2026-11-30"})
    assert announced.route("o3", explain=True).retired == "2026-11-30"


def test_a_replacement_that_the_catalogue_does_not_know_is_taken_for_living() -> None:
    known = Catalogue.from_yaml(
        "{quirks: {}, models: [{match: old, at: [chat], retired: 2026-01-02, replacement: new}]}"
    )
    assert Scene(catalogue=known).route("old").replacement == "new"
    gone = Scene({"id": "new", "shutdown_date": "2026-10-01"}, catalogue=known)
    assert gone.route("old", explain=True).replacement is None


def test_a_replacement_must_live_when_it_is_needed() -> None:
    listed = Scene({"id": "gpt-6-luna", "shutdown_date": "2027-01-10"})
    assert listed.route("gpt-4o", explain=True).retired == "2027-01-14"
    assert listed.route("gpt-4o", explain=True).replacement is None


@pytest.mark.parametrize(
    ("model", "other_endpoints"),
    [
        ("text-embedding-3-small", ("embeddings",)),
        ("gpt-image-2", ("images/generations",)),
        ("gpt-transcribe", ("audio/transcriptions",)),
        ("tts-1", ("audio/speech",)),
        ("omni-moderation-latest", ("moderations",)),
        ("gpt-realtime-2.1", ("realtime",)),
        ("gpt-live-1", ("live/sessions",)),
        ("sora-2", ("videos",)),
        ("gpt-6-luna", ()),
        ("gpt-4o", ()),
        ("acme", ()),
    ],
)
def test_a_model_that_generates_no_text_has_a_home_elsewhere(
    model: str, other_endpoints: tuple[str, ...]
) -> None:
    assert Scene().route(model).other_endpoints == other_endpoints


def test_the_upstreams_list_says_where_its_own_models_live() -> None:
    card = {"model_name": "draw", "model_info": {"mode": "image_generation"}}
    assert Scene(card, upstream=LITELLM).route("draw").other_endpoints == ("images/generations",)


ENTRY = CatalogueEntry("x", other_endpoints=("moderations",))
BOTH = CatalogueEntry("x", endpoints=(Shape.CHAT,), other_endpoints=("decisions",))


@pytest.mark.parametrize(
    ("model", "entry", "card", "homes"),
    [
        ("m", None, None, ()),
        ("m", ENTRY, None, ("moderations",)),
        ("m", BOTH, None, ()),
        ("m", ENTRY, ModelCard("m"), ("moderations",)),
        ("m", ENTRY, ModelCard("m", generative=True), ()),
        ("m", ENTRY, ModelCard("m", generative=False), ("moderations",)),
        ("m", ENTRY, ModelCard("m", generative=False, other_endpoints=("rerank",)), ("rerank",)),
        ("m", None, ModelCard("m", generative=False), ()),
        ("acme-embed-v2", None, ModelCard("m", generative=False), ("embeddings",)),
        ("acme-embed-v2", None, ModelCard("m"), ()),
    ],
)
def test_the_upstreams_word_is_stronger_than_the_catalogues(
    model: str, entry: CatalogueEntry | None, card: ModelCard | None, homes: tuple[str, ...]
) -> None:
    assert other_endpoints_of(model, entry, card) == homes


def facts(now: float) -> Facts:
    async def unasked(call: UpstreamCall) -> FakeReply:
        raise AssertionError(call)

    lookup = Lookup(Settings((OPENAI,)), unasked, fingerprint, FakeClock())
    return Facts(NameEvidence(Catalogue.load()), lookup, lambda: now)


@pytest.mark.parametrize(
    ("model", "kind", "lives"),
    [
        ("gpt-4o-mini", kinds.OPENAI, True),
        ("ft:gpt-4o-mini:acme:bot:8def5678", kinds.OPENAI, True),
        ("gpt-4o-mini", kinds.VLLM, False),
        ("llama-3", kinds.OPENAI, False),
        ("ft:llama-3:acme:bot:8def5678", kinds.OPENAI, False),
        ("claude-opus-5", kinds.ANTHROPIC, True),
        # Open weights
        ("openai/gpt-oss-120b", kinds.OPENAI, False),
        ("gpt-oss-20b", kinds.AZURE, False),
        # Shut down at OpenAI; Azure has a calendar of its own
        ("text-davinci-003", kinds.OPENAI, False),
        ("gpt-3.5-turbo", kinds.OPENAI, False),
        ("gpt-35-turbo-instruct", kinds.AZURE, True),
        # On the day of its base, or on its own
        ("curie:ft-acme-2021-03-03-21-44-20", kinds.OPENAI, False),
        ("ft:gpt-4o-mini:acme:bot:8def5678:ckpt-step-10", kinds.OPENAI, True),
    ],
)
def test_a_name_alone_shows_where_a_model_lives(model: str, kind: Profile, lives: bool) -> None:
    assert facts(NOVEMBER).lives(model, kind) is lives


def test_a_fine_tunes_own_date_counts_more_than_its_bases() -> None:
    october = facts(NOVEMBER - 54 * DAY)
    assert not october.lives("davinci-002", kinds.OPENAI)
    assert october.lives("ft:davinci-002:acme:bot:8def5678", kinds.OPENAI)
