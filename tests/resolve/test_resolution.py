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


def test_a_query_has_neither_features_nor_headers_unless_they_are_given() -> None:
    query = ModelQuery("m", Shape.CHAT)
    assert (query.features, query.headers) == (frozenset(), ())


def test_what_the_operator_says_is_strongest_and_the_default_weakest() -> None:
    assert min(ORDER, key=ORDER.__getitem__) is Source.CONFIG
    assert max(ORDER, key=ORDER.__getitem__) is Source.DEFAULT
    assert ORDER[Source.LEARNED] < ORDER[Source.CAPABILITY] < ORDER[Source.ID]
