"""The operators' listener: explanations, counters, and who may see them."""

import asyncio
from typing import Any

import httpx2
import pytest

from gateway.admin.application import build
from gateway.admin.metrics import Metrics
from gateway.config.secret import Secret
from gateway.config.settings import AdminSettings
from gateway.errors import Reason
from gateway.exchange.decision import Decision, UpstreamFailure
from gateway.observe.outcomes import Ending, Outcome
from gateway.shapes import Shape, UpstreamCall
from gateway.upstream.stats import UpstreamStats
from tests.exchange.scene import Scene
from tests.fakes import Answer, error_reply, json_reply

TOKEN = Secret("admin-token")


def lists(call: UpstreamCall) -> Answer:
    if call.path == "/models" and any(v == b"Bearer alice" for _, v in call.client_headers):
        return json_reply({"data": [{"id": "acme-x", "object": "model"}]})
    return error_reply(401, "no key")


class Admin:
    def __init__(self, token: Secret | None = None) -> None:
        self.scene = Scene(lists)
        self.metrics = Metrics(frozenset({"openai"}))
        self.app = build(self.scene.resolver, self.metrics, AdminSettings(token=token))

    def get(self, path: str, **headers: str) -> httpx2.Response:
        async def scenario() -> httpx2.Response:
            transport = httpx2.ASGITransport(app=self.app)
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            async with httpx2.AsyncClient(
                transport=transport, base_url="http://127.0.0.1:9090"
            ) as client:
                return await client.get(path, headers=named)

        return asyncio.run(scenario())


def test_a_route_is_explained_with_all_its_evidence() -> None:
    reply = Admin().get("/resolve?model=ft:davinci-002:acme:bot:8def5678&from=chat")
    assert reply.status_code == 200
    body = reply.json()
    assert body["endpoint"] == "/v1/completions"
    assert body["resolved_by"] == "id"
    assert body["translated"] is True
    assert body["base"] == "davinci-002"
    decisive = [piece for piece in body["evidence"] if piece["decides"]]
    assert [piece["source"] for piece in decisive] == ["id"]
    assert {"capability", "id", "catalogue"} <= {piece["source"] for piece in body["evidence"]}


def test_nobody_sees_more_than_their_own_key_shows() -> None:
    admin = Admin()
    mine = admin.get("/resolve?model=acme-x", authorization="Bearer alice").json()
    assert "in the model list" in str(mine["evidence"])
    others = admin.get("/resolve?model=acme-x").json()
    assert "in the model list, which" not in str(others["evidence"])


@pytest.mark.parametrize(
    ("query", "param"),
    [("", "model"), ("model=m&from=edits", "from"), ("model=" + "x" * 600, "model")],
)
def test_a_question_that_is_none_is_a_400(query: str, param: str) -> None:
    reply = Admin().get(f"/resolve?{query}")
    assert (reply.status_code, reply.json()["error"]["param"]) == (400, param)


def test_features_are_part_of_the_question() -> None:
    admin = Admin()
    features = frozenset({"tools", "reasoning"})

    async def learn() -> None:
        from gateway.resolve.resolver import ModelQuery

        route = await admin.scene.resolver.resolve(ModelQuery("gpt-5.1", Shape.CHAT))
        scope = admin.scene.resolver.scope(route, ())
        admin.scene.exchange.memory.endpoints.learn(scope, "gpt-5.1", features, Shape.RESPONSES)

    asyncio.run(learn())
    plain = admin.get("/resolve?model=gpt-5.1").json()
    tools = admin.get("/resolve?model=gpt-5.1&tools=1&reasoning=true").json()
    assert (plain["endpoint"], tools["endpoint"]) == ("/v1/chat/completions", "/v1/responses")


def test_with_a_token_nothing_is_open_without_it() -> None:
    admin = Admin(TOKEN)
    for path in ("/metrics", "/resolve?model=m"):
        assert admin.get(path).status_code == 401
        assert admin.get(path, authorization="Bearer wrong").status_code == 401
        assert admin.get(path, authorization="Basic admin-token").status_code == 401
        assert admin.get(path, authorization="Bearer admin-token").status_code == 200
        assert admin.get(path, x_admin_token="admin-token").status_code == 200


def test_the_token_goes_to_no_upstream() -> None:
    admin = Admin(TOKEN)
    admin.get("/resolve?model=acme-x", authorization="Bearer admin-token")
    admin.get("/resolve?model=acme-x", x_admin_token="admin-token", authorization="Bearer alice")
    sent = [dict(call.client_headers) for call in admin.scene.network.calls]
    assert sent
    assert b"admin-token" not in str(sent).encode()
    assert {b"authorization": b"Bearer alice"} in sent


def test_the_index_names_what_there_is() -> None:
    assert "/metrics" in Admin().get("/").json()
    assert Admin().get("/nothing").status_code == 404


SUCCESS = Ending(Outcome.SUCCESS)


def count(decision: Decision, route: str = "chat", ending: Ending = SUCCESS) -> str:
    metrics = Metrics(frozenset({"openai"}))
    metrics.finished(decision, route, ending, 0.1)
    return metrics.text().decode()


def test_requests_are_counted_by_labels_from_closed_sets() -> None:
    decision = Decision("openai", Shape.CHAT, resolved_by="id", attempts=2, client="team-a")
    text = count(decision, "completions")
    labels = (
        'client="team-a",client_shape="completions",home_shape="chat",outcome="success",'
        'resolved_by="id",upstream="openai"'
    )
    assert f"gateway_requests_total{{{labels}}} 1.0" in text
    assert 'gateway_retries_total{upstream="openai"} 1.0' in text


def test_without_clients_of_its_own_the_client_is_none() -> None:
    assert 'gateway_requests_total{client="none",' in count(Decision())


def test_times_are_a_histogram_that_adds_up() -> None:
    metrics = Metrics(frozenset({"openai"}))
    for seconds in (0.001, 0.005, 0.3, 1000.0):
        metrics.finished(Decision("openai"), "chat", SUCCESS, seconds)
    text = metrics.text().decode()
    more = 'outcome="success",upstream="openai"'
    for bound, count in (
        ("0.005", 2.0),
        ("0.02", 2.0),
        ("0.5", 3.0),
        ("300.0", 3.0),
        ("+Inf", 4.0),
    ):
        where = f'gateway_request_seconds_bucket{{client_shape="chat",le="{bound}",{more}}}'
        assert f"{where} {count}" in text
    assert f'gateway_request_seconds_count{{client_shape="chat",{more}}} 4.0' in text
    assert f'gateway_request_seconds_sum{{client_shape="chat",{more}}} 1000.306' in text


def test_failed_calls_are_counted_by_upstream_and_reason() -> None:
    metrics = Metrics(frozenset({"openai"}))
    for upstream in ("openai", "openai", "evil"):
        metrics.upstream_failed(UpstreamFailure(upstream, Reason.DNS))
    text = metrics.text().decode()
    assert 'gateway_upstream_failures_total{reason="dns",upstream="openai"} 2.0' in text
    assert 'gateway_upstream_failures_total{reason="dns",upstream="none"} 1.0' in text
    assert "evil" not in text


def test_what_goes_on_at_each_upstream_is_asked_when_somebody_looks() -> None:
    now = {"own": UpstreamStats(3, 2, 7), "proxied": UpstreamStats(1, None, 0)}
    metrics = Metrics(frozenset(now), lambda: now)
    text = metrics.text().decode()
    assert 'gateway_upstream_in_flight{upstream="own"} 3.0' in text
    assert 'gateway_upstream_queued{upstream="own"} 7.0' in text
    assert 'gateway_upstream_idle_connections{upstream="own"} 2.0' in text
    assert 'gateway_upstream_in_flight{upstream="proxied"} 1.0' in text
    assert 'idle_connections{upstream="proxied"}' not in text
    now["own"] = UpstreamStats(0, 5, 0)
    assert 'gateway_upstream_in_flight{upstream="own"} 0.0' in metrics.text().decode()


def test_what_a_client_invents_makes_no_series() -> None:
    invented: dict[str, Any] = {"upstream": "evil", "resolved_by": "evil"}
    text = count(Decision(**invented), "/v1/evil")
    assert "evil" not in text


def test_metrics_are_served_in_prometheus_format() -> None:
    reply = Admin().get("/metrics")
    assert reply.headers["content-type"].startswith("text/plain; version=")
    assert "gateway_requests" in reply.text
