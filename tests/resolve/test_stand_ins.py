"""Which names the model of a rule stands in for, beside the generation endpoints."""

import pytest

from gateway.config.settings import ModelRule
from gateway.resolve.names.catalogue import Catalogue
from gateway.resolve.names.name_evidence import NameEvidence
from gateway.resolve.stand_ins import StandIns
from gateway.servers import Profile
from tests import kinds

CHAT = ModelRule("*", model="gpt-5.4-mini")
VECTORS = ModelRule("text-embedding-*", model="text-embedding-3-small")
UNKNOWN = ModelRule("*", model="qwen3")
EXACT = ModelRule("text-embedding-ada-002", model="gpt-5.4-mini")
VENDOR = ModelRule("openai/*", model="*")
TUNED = ModelRule("*", model="ft:gpt-4o-mini-2024-07-18:acme::1")


def stand_ins(kind: Profile = kinds.OPENAI) -> StandIns:
    return StandIns(NameEvidence(Catalogue.load()), lambda _: kind)


@pytest.mark.parametrize(
    ("rule", "name", "path", "sent"),
    [
        (CHAT, "text-embedding-ada-002", "/embeddings", "text-embedding-ada-002"),
        (CHAT, "text-moderation-latest", "/moderations", "text-moderation-latest"),
        (CHAT, "dall-e-2", "/images/generations", "dall-e-2"),
        (CHAT, "dall-e-2", "/images/variations", "dall-e-2"),
        (CHAT, "whisper-1", "/audio/translations", "whisper-1"),
        (CHAT, "bge-m3", "/embeddings", "bge-m3"),
        (TUNED, "text-embedding-ada-002", "/embeddings", "text-embedding-ada-002"),
        (CHAT, "davinci", "/fine_tuning/jobs", "gpt-5.4-mini"),
        (CHAT, "davinci", "/threads/runs", "gpt-5.4-mini"),
        (CHAT, "davinci", "/answers", "gpt-5.4-mini"),
        (VECTORS, "text-embedding-ada-002", "/embeddings", "text-embedding-3-small"),
        (UNKNOWN, "text-embedding-ada-002", "/embeddings", "qwen3"),
        (EXACT, "text-embedding-ada-002", "/embeddings", "gpt-5.4-mini"),
        (ModelRule("*", upstream="local"), "a", "/embeddings", "a"),
        (None, "a", "/embeddings", "a"),
        (VENDOR, "openai/text-embedding-3-small", "/embeddings", "text-embedding-3-small"),
        (VENDOR, "openai/whisper-1", "/audio/translations", "whisper-1"),
        (VENDOR, "openai/", "/embeddings", "openai/"),
    ],
)
def test_a_globs_model_is_sent_where_it_can_be(
    rule: ModelRule | None, name: str, path: str, sent: str
) -> None:
    assert stand_ins().model_to_send(rule, name, path) == sent


@pytest.mark.parametrize(
    ("rule", "name", "replaced"),
    [
        (CHAT, "gpt-3.5-turbo", True),
        (CHAT, "text-davinci-003", True),
        (CHAT, "my-own-name", True),
        (CHAT, "text-embedding-ada-002", False),
        (CHAT, "whisper-1", False),
        (CHAT, "gpt-5.4-mini", False),
        (VECTORS, "text-embedding-ada-002", True),
        (VENDOR, "openai/text-embedding-ada-002", True),
        (VENDOR, "openai/", False),
        (ModelRule("gpt-*", model="gpt-*"), "gpt-4o", False),
        (EXACT, "text-embedding-ada-002", True),
        (UNKNOWN, "text-embedding-ada-002", True),
        (ModelRule("*"), "a", False),
        (None, "a", False),
    ],
)
def test_a_name_is_another_models_where_that_can_stand_in(
    rule: ModelRule | None, name: str, *, replaced: bool
) -> None:
    assert stand_ins().replaces(rule, name) is replaced


def test_where_names_are_free_a_glob_means_what_it_says() -> None:
    local = stand_ins(kinds.VLLM)
    assert local.model_to_send(CHAT, "text-embedding-ada-002", "/embeddings") == "gpt-5.4-mini"
    assert local.replaces(CHAT, "text-embedding-ada-002")
