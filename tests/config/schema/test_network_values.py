"""Hosts, ports, URLs, keys and header fields."""

from pathlib import Path

import pytest

from tests.config.configuring import check_refusal, loaded


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("server: {host: '[::1]'}", "server.host: must be an IP address or a host name alone"),
        ("server: {allowed_hosts: ['a:80']}", "server.allowed_hosts[0]: must be a host name"),
        ("upstreams: {openai: {api_key: ''}}", "api_key: is empty; set it, or leave the key out"),
        ("upstreams: {openai: {api_key: 'a b'}}", "api_key: must be printable ASCII"),
        ("upstreams: {openai: {api_key: bearer sk-a}}", "write the key alone, without Bearer"),
        ("upstreams: {openai: {api_key: é}}", "api_key: must be printable ASCII"),
        ("upstreams: {openai: {headers: {a b: c}}}", 'headers["a b"]: is not a valid header name'),
        (r'upstreams: {openai: {headers: {"a\ud800": c}}}', "is not a valid header name"),
        ("upstreams: {openai: {headers: {Host: c}}}", "headers.Host: is a header that the gateway"),
        ("upstreams: {openai: {headers: {Proxy-Authenticate: c}}}", "that the gateway sets by"),
        ("upstreams: {openai: {headers: {X-Gateway-Hops: c}}}", "that the gateway sets by itself"),
        ("upstreams: {openai: {headers: {X-A: b, x-a: c}}}", "headers: has a header twice"),
        ("upstreams: {openai: {headers: {a: ' c'}}}", "headers.a: must be one line of Latin-1"),
        ("upstreams: {openai: {headers: {a: €}}}", "headers.a: must be one line of Latin-1"),
        ("upstreams: {openai: {forward_headers: [Cookie]}}", "is a header that is never forwarded"),
        ("upstreams: {openai: {forward_headers: [X-Forwarded-For]}}", "is never forwarded"),
        ("upstreams: {openai: {forward_headers: [Connection]}}", "that the gateway sets by itself"),
        (
            "upstreams: {openai: {api_version: preview}}",
            "openai.api_version: is not a dated version of Azure's API; write one like 2024-10-21",
        ),
        (
            "upstreams: {openai: {api_version: 2024-10-21x}}",
            "openai.api_version: is not a dated version",
        ),
    ],
)
def test_a_wrong_value_is_refused_with_key_and_advice(
    tmp_path: Path, text: str, problem: str
) -> None:
    check_refusal(tmp_path, text, problem)


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("X-Gateway-Model", ""),
        ("x-model", ""),
        ("authorization", "is a header with another meaning"),
        ("host", "is a header that the gateway sets by itself"),
        ("x-gateway-hops", "is a header that the gateway sets by itself"),
        ("x model", "is not a valid header name"),
        ("x-mine", "has a model_header that headers or forward_headers name"),
        ("x-client", "has a model_header that headers or forward_headers name"),
    ],
)
def test_a_model_header_has_a_name_of_its_own(tmp_path: Path, written: str, problem: str) -> None:
    text = (
        "upstreams: {openai: {headers: {x-mine: a}, forward_headers: [X-Client], "
        f"model_header: {written}}}}}"
    )
    if problem:
        check_refusal(tmp_path, text, problem)
    else:
        assert loaded(tmp_path, text).upstreams[0].model_header == written.lower()
