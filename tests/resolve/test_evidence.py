from dataclasses import replace

from gateway.resolve.evidence import Evidence, Route, Source
from gateway.resolve.memory import CacheScope
from gateway.shapes import Shape
from tests import kinds

ROUTE = Route("up", "m", "m", kinds.VLLM, Shape.CHAT, (Shape.CHAT,), Source.DEFAULT)


def test_a_model_exists_by_any_evidence_that_shows_it() -> None:
    named = Evidence(Source.ID, "its id says that it derives from m", base="m")
    listed = Evidence(Source.CAPABILITY, "in the model list", exists=True)
    assert not ROUTE.exists
    assert not replace(ROUTE, evidence=(named,)).exists
    assert replace(ROUTE, evidence=(named, listed)).exists


def test_a_route_does_not_show_the_credential_it_was_found_with() -> None:
    scoped = replace(ROUTE, scope=CacheScope("up", "fingerprint-of-alice"))
    assert "alice" not in repr(scoped)
