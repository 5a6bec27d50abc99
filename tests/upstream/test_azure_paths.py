"""Where Azure serves what: deployments in the path, versions in the query, v1 beside them."""

import re
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InvalidRequest
from gateway.shapes import Shape, UpstreamCall
from gateway.upstream.azure_paths import DEPLOYMENT_ENDPOINTS, AzurePaths, split_api_version
from gateway.upstream.origin import parse_base_url

ROOT = "https://acme.openai.azure.com"
GA = "2024-10-21"


def target(path: str, model: str | None = None, query: bytes = b"", base_url: str = ROOT) -> str:
    paths = AzurePaths(parse_base_url(base_url), GA)
    return paths.target(UpstreamCall("azure", "POST", path, query=query, model=model)).decode(
        "ascii"
    )


@pytest.mark.parametrize("endpoint", sorted(DEPLOYMENT_ENDPOINTS))
def test_a_models_endpoints_are_its_deployments(endpoint: str) -> None:
    expected = f"/openai/deployments/my-bot_1.0{endpoint}?api-version={GA}"
    assert target(endpoint, "my-bot_1.0") == expected


@pytest.mark.parametrize(
    ("path", "model", "expected"),
    [
        ("/models", None, f"/openai/models?api-version={GA}"),
        ("/models/gpt-4o", None, f"/openai/models/gpt-4o?api-version={GA}"),
        ("/fine_tuning/jobs", None, f"/openai/fine_tuning/jobs?api-version={GA}"),
        ("/fine_tuning/jobs", "gpt-4o", f"/openai/fine_tuning/jobs?api-version={GA}"),
        ("/files/file-1/content", None, f"/openai/files/file-1/content?api-version={GA}"),
        ("/chat/completions", None, f"/openai/chat/completions?api-version={GA}"),
        ("/responses", "gpt-4o", "/openai/v1/responses"),
        ("/responses/resp_1/input_items", None, "/openai/v1/responses/resp_1/input_items"),
        ("/conversations/conv_1", None, "/openai/v1/conversations/conv_1"),
        ("/containers", None, "/openai/v1/containers"),
        ("/realtime", "gpt-realtime", "/openai/v1/realtime"),
        ("/realtime/client_secrets", None, "/openai/v1/realtime/client_secrets"),
        ("/live/sessions", None, "/openai/v1/live/sessions"),
        ("/responses-like", None, f"/openai/responses-like?api-version={GA}"),
    ],
)
def test_everything_else_has_a_place_too(path: str, model: str | None, expected: str) -> None:
    assert target(path, model) == expected


@pytest.mark.parametrize(
    ("base_url", "expected"),
    [
        (ROOT, f"/openai/deployments/m/completions?api-version={GA}"),
        (f"{ROOT}/", f"/openai/deployments/m/completions?api-version={GA}"),
        (f"{ROOT}/openai", f"/openai/deployments/m/completions?api-version={GA}"),
        (f"{ROOT}/openai/v1", "/openai/v1/completions"),
        (f"{ROOT}/apim/x", f"/apim/x/openai/deployments/m/completions?api-version={GA}"),
        (f"{ROOT}/api/projects/p/openai/v1", "/api/projects/p/openai/v1/completions"),
    ],
)
def test_the_base_url_says_which_api_is_meant(base_url: str, expected: str) -> None:
    assert target(Shape.COMPLETIONS.path, "m", base_url=base_url) == expected


@pytest.mark.parametrize(
    ("path", "query", "base_url", "expected"),
    [
        ("/realtime", b"model=d", ROOT, "/openai/v1/realtime?model=d"),
        (
            "/realtime",
            b"model=d&api-version=v1",
            ROOT,
            "/openai/v1/realtime?model=d&api-version=v1",
        ),
        (
            "/realtime",
            b"a&model=d%201&api-version=2025-04-01-preview",
            ROOT,
            "/openai/realtime?a&deployment=d%201&api-version=2025-04-01-preview",
        ),
        (
            "/realtime",
            b"model=d&api-version=2025-04-01-preview",
            f"{ROOT}/openai/v1",
            "/openai/v1/realtime?model=d",
        ),
        ("/realtime/calls", b"api-version=2025-04-01-preview", ROOT, "/openai/v1/realtime/calls"),
    ],
)
def test_realtime_is_at_v1_but_for_clients_of_its_preview(
    path: str, query: bytes, base_url: str, expected: str
) -> None:
    assert target(path, "d", query, base_url) == expected


@pytest.mark.parametrize(
    ("query", "dated", "v1"),
    [
        (b"", f"?api-version={GA}", ""),
        (b"api-version=2025-04-01-preview", "?api-version=2025-04-01-preview", ""),
        (b"api-version=preview", f"?api-version={GA}", "?api-version=preview"),
        (b"api-version=", f"?api-version={GA}", ""),
        (b"limit=2", f"?limit=2&api-version={GA}", "?limit=2"),
        (b"a=1&API%2dVersion=2023-05-15&b", "?a=1&b&api-version=2023-05-15", "?a=1&b"),
        (b"api-version=2023-05-15&api-version=2024-02-01", "?api-version=2023-05-15", ""),
        (b"api-version=2024-10-21x", f"?api-version={GA}", "?api-version=2024-10-21x"),
    ],
)
def test_the_clients_version_wins_where_it_means_something(
    query: bytes, dated: str, v1: str
) -> None:
    assert target("/files", query=query) == f"/openai/files{dated}"
    assert target("/responses", query=query) == f"/openai/v1/responses{v1}"


@pytest.mark.parametrize("model", ["..", ".", "a/../b", "%2e%2e", "a/..", "..\\x", "a\x00b", "x\n"])
def test_a_name_that_leads_elsewhere_is_refused_as_the_clients_model(model: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        target("/chat/completions", model)
    assert refused.value.param == "model"


def test_a_path_or_query_that_leads_elsewhere_is_refused() -> None:
    for path in ("/../x", "/files/%2e%2e/x", "/files/a b"):
        with pytest.raises(InvalidRequest):
            target(path)
    with pytest.raises(InvalidRequest):
        target("/files", query=b"a=\r\nb")


@given(st.text(st.characters(codec="utf-8"), min_size=1))
def test_any_name_is_one_segment_or_refused(model: str) -> None:
    try:
        found = target("/completions", model)
    except InvalidRequest:
        return
    match = re.fullmatch(
        r"/openai/deployments/([^/?#\\\s]+)/completions\?api-version=2024-10-21", found
    )
    assert match is not None
    assert unquote(match[1]) == model


def test_what_is_not_unicode_is_a_name_that_nobody_has() -> None:
    assert target("/completions", "\ud800").startswith("/openai/deployments/%3F/completions?")


@given(st.lists(st.sampled_from([b"a=1", b"api-version=2", b"api%2Dversion=3", b"b", b""])))
def test_splitting_a_query_keeps_all_but_the_version(fields: list[bytes]) -> None:
    rest, version = split_api_version(b"&".join(fields))
    others = [field for field in fields if not field.startswith(b"api")]
    assert rest == b"&".join(others)
    versions = [field[-1:] for field in fields if field.startswith(b"api")]
    assert version == (versions[0] if versions else b"")
