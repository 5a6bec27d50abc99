"""The composition root: settings in, a whole gateway out."""

import asyncio
import sys
from dataclasses import replace
from typing import Any

import httpx2
import pytest

from gateway import app
from gateway.asgi.application import ASGIGateway
from gateway.config.operator_settings import AdminSettings, LogSettings, TracingSettings
from gateway.config.secret import Secret
from gateway.config.settings import CredentialPolicy, ModelRule, Settings, UpstreamSettings
from gateway.config.translation_settings import TemplateSettings
from gateway.demo import emulator
from tests import kinds


def settings(base_url: str = "http://127.0.0.1:9/v1", *rules: ModelRule, **more: Any) -> Settings:
    return Settings((UpstreamSettings("openai", base_url, kinds.OPENAI),), models=rules, **more)


def templated(source: str | None) -> ModelRule:
    template = TemplateSettings("jinja", path="a.j2", source=source)
    return ModelRule("davinci-002", template=template)


async def asked(application: Any, method: str, path: str, **more: Any) -> httpx2.Response:
    transport = httpx2.ASGITransport(app=application)
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
        return await client.request(method, path, **more)


def test_everything_is_joined() -> None:
    with emulator.serve() as upstream:
        rule = templated("Q: {{ messages[0].content }}\nA:")

        async def scenario() -> None:
            token = AdminSettings(token=Secret("admin"))
            application = app.build(settings(upstream.base_url, rule, admin=token))
            body = {"model": "davinci-002", "messages": [{"role": "user", "content": "Why?"}]}
            headers = {"authorization": "Bearer sk-test"}
            served = ASGIGateway(application.gateway)
            reply = await asked(
                served,
                "POST",
                "/v1/chat/completions",
                json=body,
                headers=headers,
            )
            assert "Q: Why?\nA:" in reply.json()["choices"][0]["message"]["content"]
            counted = await asked(
                application.admin, "GET", "/metrics", headers={"x-admin-token": "admin"}
            )
            assert 'status="200",upstream="openai",upstream_shape="completions"' in counted.text
            assert (await asked(application.admin, "GET", "/metrics")).status_code == 401
            await application.aclose()

        asyncio.run(scenario())


@pytest.mark.parametrize("requests", [False, True])
def test_requests_have_lines_in_the_log_where_they_are_asked_for(
    *, requests: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    async def scenario() -> None:
        application = app.build(settings(log=LogSettings(requests=requests)))
        served = ASGIGateway(application.gateway)
        reply = await asked(served, "POST", "/v1/chat/completions", content=b"{")
        assert reply.status_code == 400
        await application.aclose()

    asyncio.run(scenario())
    assert capsys.readouterr().err.count("status=400") == int(requests)


def test_a_retired_application_has_written_its_lines(capsys: pytest.CaptureFixture[str]) -> None:
    async def scenario() -> None:
        logging = settings(log=LogSettings(requests=True))
        application = app.build(logging)
        await asked(ASGIGateway(application.gateway), "POST", "/v1/chat/completions", content=b"{")
        following = app.build(logging, before=application)
        await application.retire(following)
        assert capsys.readouterr().err.count("status=400") == 1
        await following.aclose()

    asyncio.run(scenario())


@pytest.mark.parametrize("source", [None, "{{ messages }}"])
def test_a_template_that_compiles_is_not_an_obstacle(source: str | None) -> None:
    application = app.build(settings("http://127.0.0.1:9/v1", templated(source)))
    asyncio.run(application.aclose())


def test_a_broken_template_is_named() -> None:
    with pytest.raises(ValueError, match=r'models\["davinci-002"\]\.template \(a\.j2\): line 1'):
        app.build(settings("http://127.0.0.1:9/v1", templated("{% if %}")))


def test_a_missing_extra_for_traces_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "gateway.observe.tracing.otlp", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    traced = settings(tracing=TracingSettings("http://127.0.0.1:1"))
    with pytest.raises(ValueError, match=r"pip install 'endpoint-gateway\[otel\]'"):
        app.build(traced)


def test_an_upstream_without_the_key_that_it_needs_is_named() -> None:
    keyless = UpstreamSettings(
        "mine", "http://127.0.0.1:9/v1", kinds.OPENAI, CredentialPolicy.KEY, api_key=None
    )
    with pytest.raises(ValueError, match="upstream 'mine'"):
        app.build(Settings((keyless,)))


def test_a_reload_changes_what_tells_callers_apart() -> None:
    async def scenario() -> None:
        first = settings()
        (upstream,) = first.upstreams
        named = replace(upstream, forward_headers=("X-User", "x-trace"))
        before = app.build(first)
        assert before.kept.seals.identifying == frozenset()
        after = app.build(replace(first, upstreams=(named,)), before=before)
        assert before.kept.seals.identifying == frozenset()
        after.take_over()
        assert before.kept.seals.identifying == {b"x-user"}
        await before.aclose()
        await after.aclose()

    asyncio.run(scenario())
