"""The route table: who serves which method and path, in any spelling of it."""

from functools import partial
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.api.admission import Handler
from gateway.api.router import Router, normalized
from gateway.config.settings import UpstreamSettings
from gateway.errors import MethodNotAllowed
from gateway.shapes import Shape
from tests import kinds
from tests.exchange.legacy_scene import LegacyScene
from tests.fakes import json_reply

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
ROUTER = LegacyScene(lambda _: json_reply({})).router


def named(handler: Handler) -> tuple[str, dict[str, Any]]:
    """Return a handler's name, and what its path named."""
    parts: dict[str, Any] = {}
    called: Any = handler
    while isinstance(called, partial):
        parts = {**called.keywords, **parts}
        called = called.func
    return called.__name__, parts


def found(method: str, path: str, *, model: bool = False) -> tuple[str, dict[str, Any]]:
    """Return what is found; where the path is for other methods, which these are."""
    try:
        return named(ROUTER.find(method, path, named=model)[1])
    except MethodNotAllowed as refused:
        ((header, allowed),) = refused.headers
        assert (refused.status, header) == (405, "allow")  # noqa: PT017 - a result among others
        return f"405 {allowed}", {}


GENERATION = [shape.endpoint for shape in Shape]


@pytest.mark.parametrize("path", GENERATION)
def test_a_generation_endpoint_generates_passes_on_or_is_for_posts(path: str) -> None:
    shape = next(shape for shape in Shape if shape.endpoint == path)
    route, _ = ROUTER.find("POST", path)
    assert (route.generates, route.shape, route.whole) == (shape, shape, True)
    expected = {"POST": "generate", "GET": "passthrough", "OPTIONS": "passthrough"}
    for method in METHODS:
        assert found(method, path) == (expected.get(method, "405 POST"), {})
    for method in expected:
        route, _ = ROUTER.find(method, path)
        assert (route.shape, route.generates) == (shape, shape if method == "POST" else None)
    assert ROUTER.shape_of(path) is shape


TABLE = [
    ("*", "/healthz", "health", {}),
    ("*", "/readyz", "readiness", {}),
    ("*", "/api/hello", "hello", {}),
    ("*", "/v1/api/hello", "hello", {}),
    ("*", "/anthropic/api/hello", "hello", {}),
    ("POST", "/v1/messages/count_tokens", "count_tokens", {}),
    ("GET", "/v1/messages/count_tokens", "passthrough", {}),
    ("*", "/v1/messages/batches", "passthrough", {}),
    ("GET", "/v1/messages/batches/b/results", "passthrough", {}),
    ("GET", "/v1/models", "all", {}),
    ("HEAD POST DELETE", "/v1/models", "passthrough", {}),
    ("*", "/v1/models/gpt-4o", "model", {"model": "gpt-4o"}),
    ("*", "/v1/models/org/name", "model", {"model": "org/name"}),
    ("*", "/v1/models/org%2Fname", "model", {"model": "org%2Fname"}),
    ("GET", "/v1/responses/r_1", "stored_response", {"response": "r_1"}),
    ("DELETE", "/v1/responses/r_1", "delete_response", {"response": "r_1"}),
    ("POST HEAD", "/v1/responses/r_1", "passthrough", {}),
    ("GET", "/v1/responses/r_1/input_items", "input_items", {"response": "r_1"}),
    ("DELETE POST", "/v1/responses/r_1/input_items", "passthrough", {}),
    ("POST", "/v1/responses/r_1/cancel", "cancel_response", {"response": "r_1"}),
    ("GET DELETE", "/v1/responses/r_1/cancel", "passthrough", {}),
    ("POST", "/v1/responses/compact", "compact", {}),
    ("POST", "/v1/responses/input_tokens", "input_tokens", {}),
    ("*", "/v1/embeddings", "passthrough", {}),
    ("*", "/v1/files/f/content", "passthrough", {}),
    ("*", "/v1/a\nb", "passthrough", {}),
    ("*", "/v1/", "passthrough", {}),
    ("GET", "/v1/engines", "engines", {}),
    ("HEAD POST PUT PATCH DELETE OPTIONS", "/v1/engines", "405 GET", {}),
    ("GET", "/v1/engines/ada", "engine", {"engine": "ada"}),
    ("POST DELETE HEAD", "/v1/engines/ada", "405 GET", {}),
    *(
        row
        for action in ("completions", "chat/completions", "edits", "embeddings")
        for row in (
            (
                "POST",
                f"/v1/engines/ada/{action}",
                "at_engine",
                {"engine": "ada", "path": f"/{action}"},
            ),
            ("GET HEAD PUT PATCH DELETE OPTIONS", f"/v1/engines/ada/{action}", "405 POST", {}),
        )
    ),
    (
        "POST",
        "/v1/engines/org/name:free/completions",
        "at_engine",
        {"engine": "org/name:free", "path": "/completions"},
    ),
    (
        "POST",
        "/v1/engines/a/b/c/chat/completions",
        "at_engine",
        {"engine": "a/b/c", "path": "/chat/completions"},
    ),
    (
        "POST",
        "/v1/engines/chat/completions",
        "at_engine",
        {"engine": "chat", "path": "/completions"},
    ),
    ("*", "/v1/engines/ada/search", "no_action", {"engine": "ada", "action": "search"}),
    ("*", "/v1/engines/ada/a/b", "no_action", {"engine": "ada", "action": "a/b"}),
    ("POST", "/v1/edits", "edit", {}),
    ("GET HEAD PUT PATCH DELETE OPTIONS", "/v1/edits", "405 POST", {}),
    ("*", "/v1/search", "pass_on", {"name": "search"}),
    ("*", "/v1/answers", "pass_on", {"name": "answers"}),
    ("*", "/v1/classifications", "pass_on", {"name": "classifications"}),
    ("*", "/v1/search/x", "passthrough", {}),
    ("*", "/v1/deployments", "pass_on", {"name": "deployments"}),
    ("*", "/v1/deployments/bot", "pass_on", {"name": "deployments"}),
    ("*", "/v1/deployments/bot/x", "passthrough", {}),
    ("*", "/v1/search_indices/search", "refuse", {"name": "search_indices"}),
    ("*", "/v1/snapshots", "refuse", {"name": "snapshots"}),
    ("POST", "/v1/files", "upload", {}),
    ("GET DELETE", "/v1/files", "passthrough", {}),
    ("POST", "/v1/moderations", "moderation", {}),
    ("GET", "/v1/moderations", "passthrough", {}),
    ("GET", "/v1/fine-tunes", "all_fine_tunes", {}),
    ("POST", "/v1/fine-tunes", "create_fine_tune", {}),
    ("DELETE PUT", "/v1/fine-tunes", "405 GET, POST", {}),
    ("GET", "/v1/fine-tunes/ft_1", "fine_tune", {"job": "ft_1"}),
    ("DELETE POST", "/v1/fine-tunes/ft_1", "405 GET", {}),
    ("POST", "/v1/fine-tunes/ft_1/cancel", "cancel_fine_tune", {"job": "ft_1"}),
    ("GET DELETE", "/v1/fine-tunes/ft_1/cancel", "405 POST", {}),
    ("GET", "/v1/fine-tunes/ft_1/events", "fine_tune_events", {"job": "ft_1"}),
    ("POST", "/v1/fine-tunes/ft_1/events", "405 GET", {}),
    ("*", "/v1/fine-tunes/ft_1/x", "passthrough", {}),
]


@pytest.mark.parametrize(("methods", "path", "name", "parts"), TABLE)
def test_every_path_leads_to_its_handler(
    methods: str, path: str, name: str, parts: dict[str, str]
) -> None:
    for method in METHODS if methods == "*" else methods.split():
        assert found(method, path) == (name, parts), method


@pytest.mark.parametrize(
    ("method", "path", "whole"),
    [
        ("POST", "/v1/edits", True),
        ("POST", "/v1/messages/count_tokens", True),
        ("POST", "/v1/messages/batches", False),
        ("POST", "/v1/engines/ada/embeddings", True),
        ("POST", "/v1/fine-tunes", True),
        ("POST", "/v1/embeddings", False),
        ("POST", "/v1/files", False),
        ("GET", "/v1/responses", False),
        ("POST", "/healthz", False),
    ],
)
def test_only_who_needs_the_whole_body_takes_it_as_a_whole(
    method: str, path: str, *, whole: bool
) -> None:
    route, _ = ROUTER.find(method, path)
    assert (route.whole, route.generates) == (whole, None)


@pytest.mark.parametrize("path", ["", "/", "/v1", "/v2/x", "/healthz/", "/chat/completions", "*"])
def test_a_path_that_is_not_below_v1_has_no_row(path: str) -> None:
    for method in METHODS:
        with pytest.raises(LookupError):
            ROUTER.find(method, path)
    assert ROUTER.shape_of(path) is None


def test_a_deployments_path_knows_the_generation_endpoints_and_passes_the_rest_on() -> None:
    for path in GENERATION:
        for method, name in (("POST", "generate"), ("GET", "passthrough"), ("PUT", "405 POST")):
            assert found(method, path, model=True) == (name, {})
    for path in ("/v1/edits", "/v1/engines", "/v1/models/x", "/v1/fine-tunes", "/v1/embeddings"):
        for method in METHODS:
            route, handler = ROUTER.find(method, path, named=True)
            assert named(handler) == ("passthrough", {})
            assert not route.whole


def test_an_upstream_with_fine_tunes_of_its_own_gets_them() -> None:
    together = UpstreamSettings("together", "https://api.together.xyz/v1", kinds.TOGETHER)
    router: Router = LegacyScene(lambda _: json_reply({}), together).router
    for path in ("/v1/fine-tunes", "/v1/fine-tunes/ft_1", "/v1/fine-tunes/ft_1/cancel"):
        for method in METHODS:
            assert named(router.find(method, path)[1]) == ("passthrough", {})
    assert named(router.find("POST", "/v1/edits")[1]) == ("edit", {})


@pytest.mark.parametrize(
    ("path", "same"),
    [
        ("/v1/%63hat/completions", "/v1/chat/completions"),
        ("/v1/chat%2Fcompletions", "/v1/chat%2Fcompletions"),
        ("/v1/%65ngines/a%2Db", "/v1/engines/a-b"),
        ("/v1/models/a%20b%zz%", "/v1/models/a%20b%zz%"),
        ("/v1/%2563hat", "/v1/%2563hat"),
        ("/v1/models/%7e%5F%2d%2E", "/v1/models/~_-."),
    ],
)
def test_escapes_of_plain_characters_mean_these_characters(path: str, same: str) -> None:
    assert normalized(path) == same
    for method in METHODS:
        assert found(method, path) == found(method, same)
    assert ROUTER.shape_of(path) is ROUTER.shape_of(same)


@given(text=st.text(max_size=20), method=st.sampled_from(METHODS))
def test_any_name_is_found_in_any_encoding(text: str, method: str) -> None:
    encoded = quote(text, safe="")
    everything = "".join(f"%{byte:02x}" for byte in text.encode())
    assert normalized(everything).lower() == encoded.lower()
    if text:
        _, parts = found(method, f"/v1/models/{everything}")
        assert parts["model"].lower() == encoded.lower()
