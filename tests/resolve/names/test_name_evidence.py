"""What names alone say: of ids, of the catalogue, and on which servers they mean anything."""

import pytest

from gateway.config.settings import UpstreamSettings
from gateway.resolve.evidence import Source
from gateway.resolve.features import TOOLS
from gateway.resolve.memory import CacheScope
from gateway.resolve.metadata.cache import WAIT
from gateway.resolve.names.catalogue import Catalogue
from gateway.resolve.names.name_evidence import NameEvidence, root_of
from gateway.resolve.resolution import ModelQuery, Resolution
from gateway.servers import Profile
from gateway.shapes import Shape
from tests import kinds

FINE_TUNE = "ft:davinci-002:acme:bot:8def5678"
NAMES = NameEvidence(
    Catalogue.from_yaml("""
quirks: {tools_responses_only: "Takes tools at responses only."}
models:
- {match: davinci-002, at: [completions]}
- {match: gpt-tools, at: [chat, responses], quirks: [tools_responses_only]}
- {match: tts-x, at: [audio/speech]}
- {match: gone-1, at: [], retired: 2024-01-04}
""")
)


def resolution(model: str, *features: str, kind: Profile = kinds.OPENAI) -> Resolution:
    query = ModelQuery(model, Shape.CHAT, frozenset(features))
    upstream = UpstreamSettings("up", "https://api.openai.com/v1", kind)
    return Resolution(query, upstream, kind, model, CacheScope("up", ""), None, [], WAIT)


def collected(model: str, *features: str, kind: Profile = kinds.OPENAI) -> Resolution:
    state = resolution(model, *features, kind=kind)
    NAMES.collect(state)
    return state


@pytest.mark.parametrize(
    ("model", "root"),
    [
        ("davinci-002", "davinci-002"),
        (FINE_TUNE, "davinci-002"),
        (f"openai/{FINE_TUNE}", "davinci-002"),
        ("ft:curie:2020-05-03", "curie"),
        ("curie:2020-05-03", "curie"),
        ("acme/x", "acme/x"),
        ("", ""),
    ],
)
def test_the_root_is_what_ids_lead_to(model: str, root: str) -> None:
    assert root_of(model) == root


def test_a_lineage_of_ids_is_followed_as_far_as_eight_bases() -> None:
    step = f".ft-{'a1' * 16}"
    assert root_of(f"gpt-4{step * 8}") == "gpt-4"
    assert root_of(f"gpt-4{step * 10}") == f"gpt-4{step * 2}"


def test_a_name_that_is_known_says_where_it_is_served() -> None:
    (piece,) = collected("davinci-002").evidence
    assert (piece.source, piece.shapes) == (Source.CATALOGUE, (Shape.COMPLETIONS,))
    assert piece.detail == "known as 'davinci-002', served at completions"


def test_a_fine_tune_is_served_where_its_root_is() -> None:
    state = collected(FINE_TUNE)
    (piece,) = state.evidence
    assert (piece.source, piece.shapes) == (Source.ID, (Shape.COMPLETIONS,))
    assert piece.base == state.base == "davinci-002"


def test_features_can_move_a_request_to_one_of_the_endpoints() -> None:
    (without,) = collected("gpt-tools").evidence
    assert without.shapes == (Shape.CHAT, Shape.RESPONSES)
    (moved,) = collected("gpt-tools", TOOLS).evidence
    assert moved.shapes == (Shape.RESPONSES,)
    assert moved.detail.endswith("; this request at responses only")
    assert NAMES.endpoints(resolution("x", TOOLS), "gpt-tools") == (Shape.RESPONSES,)


def test_other_endpoints_are_said_and_decide_nothing() -> None:
    (piece,) = collected("tts-x").evidence
    assert piece.shapes == ()
    assert piece.detail == "known as 'tts-x', served at audio/speech"


@pytest.mark.parametrize("model", ["gone-1", "never-heard-of"])
def test_a_name_of_which_no_endpoint_is_known_is_not_evidence(model: str) -> None:
    assert collected(model).evidence == []
    assert NAMES.endpoints(resolution(model), model) == ()


def test_where_names_are_free_they_say_nothing_but_what_the_id_spells() -> None:
    assert collected("davinci-002", kind=kinds.VLLM).evidence == []
    (piece,) = collected(FINE_TUNE, kind=kinds.VLLM).evidence
    assert (piece.base, piece.shapes) == ("davinci-002", ())


def test_the_first_entry_that_is_remembered_stays() -> None:
    state = resolution(FINE_TUNE)
    NAMES.remember_entry(state, FINE_TUNE)
    entry = state.entry
    assert entry is not None
    assert entry.pattern == "davinci-002"
    NAMES.remember_entry(state, "tts-x")
    assert state.entry is entry


@pytest.mark.parametrize("model", [FINE_TUNE, "tts-x", "ft:gone-1:acme::a1b2c3d4"])
def test_the_entry_of_the_own_id_goes_before_that_of_a_base(model: str) -> None:
    """Metadata are not always read; without them, the date must be the same."""
    unread, read = resolution(model), resolution(model)
    NAMES.remember_entry(unread, model)
    NAMES.remember_entry(read, "gpt-tools")
    assert unread.entry is not None
    assert read.entry == unread.entry
    unknown = resolution("acme")
    NAMES.remember_entry(unknown, "gpt-tools")
    assert unknown.entry is not None
    assert unknown.entry.pattern == "gpt-tools"
