"""Chat requests on their way to a completions endpoint."""

from gateway.shapes import Json
from gateway.translate.chat_via_completions import translate
from tests.translate.chat_via_completions.cases import HELLO, call_of, context, translated


def test_the_body_is_not_changed() -> None:
    body: Json = {"messages": HELLO, "stop": ["a", "a"], "n": 2, "logit_bias": {"1": 2}, "x": None}
    before = repr(body)
    translate(body, context())
    assert repr(body) == before


def test_the_least_request_sends_only_what_is_needed() -> None:
    assert call_of({}) == {"model": "acme/base-7b", "prompt": "hello", "max_tokens": 1024}


def test_there_is_no_local_reply() -> None:
    assert translated({}).local_reply() is None
