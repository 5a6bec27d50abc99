from gateway.config.settings import UpstreamSettings
from gateway.resolve.evidence import Evidence, Source
from gateway.resolve.memory import CacheScope
from gateway.resolve.metadata.cache import WAIT
from gateway.resolve.resolution import ORDER, ModelQuery, Resolution
from gateway.shapes import Shape
from tests import kinds


def resolution(*evidence: Evidence) -> Resolution:
    upstream = UpstreamSettings("up", "http://127.0.0.1:1/v1", kinds.VLLM)
    scope = CacheScope("up", "alice")
    query = ModelQuery("m", Shape.CHAT)
    return Resolution(query, upstream, kinds.VLLM, "m", scope, None, list(evidence), WAIT)


def test_it_is_decided_by_evidence_that_names_an_endpoint() -> None:
    assert not resolution().decided
    exists = Evidence(Source.CAPABILITY, "in the model list", exists=True)
    assert not resolution(exists).decided
    assert resolution(exists, Evidence(Source.ID, "its id", (Shape.CHAT,))).decided


def test_the_strongest_piece_decides_and_says_whether_the_client_is_at_home() -> None:
    by_id = Evidence(Source.ID, "its id", (Shape.CHAT, Shape.RESPONSES))
    by_rule = Evidence(Source.CONFIG, "a rule", (Shape.RESPONSES,))
    assert (resolution().decisive, resolution().is_at_home) == (None, False)
    assert (resolution(by_id).decisive, resolution(by_id).is_at_home) == (by_id, True)
    both = resolution(by_id, by_rule)
    assert (both.decisive, both.is_at_home) == (by_rule, False)


def test_a_query_has_neither_features_nor_headers_unless_they_are_given() -> None:
    query = ModelQuery("m", Shape.CHAT)
    assert (query.features, query.headers) == (frozenset(), ())


def test_what_the_operator_says_is_strongest_and_the_default_weakest() -> None:
    assert min(ORDER, key=ORDER.__getitem__) is Source.CONFIG
    assert max(ORDER, key=ORDER.__getitem__) is Source.DEFAULT
    assert ORDER[Source.LEARNED] < ORDER[Source.CAPABILITY] < ORDER[Source.ID]
