"""The operators' listener: explanations, counters, and who may see them."""

import asyncio

import httpx2
import pytest

from gateway.admin.application import build
from gateway.admin.metrics import Metrics
from gateway.admin.sums import Sums
from gateway.config.operators import AdminSettings
from gateway.config.secret import Secret
from gateway.server.peers import Peers
from gateway.shapes import Shape, UpstreamCall
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
        sums = Sums(self.metrics.families, Peers())
        self.app = build(self.scene.resolver, sums, AdminSettings(token=token))

    def get(self, path: str, **headers: str) -> httpx2.Response:
        async def scenario() -> httpx2.Response:
            transport = httpx2.ASGITransport(app=self.app)
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            async with httpx2.AsyncClient(
                transport=transport, base_url="http://127.0.0.1:9090"
            ) as client:
                return await client.get(path, headers=named)

        return asyncio.run(scenario())


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
    chat = admin.get("/resolve?model=gpt-5.1").json()
    tools = admin.get("/resolve?model=gpt-5.1&tools=1&reasoning=true").json()
    assert (chat["endpoint"], tools["endpoint"]) == ("/v1/chat/completions", "/v1/responses")


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


def test_metrics_are_served_in_prometheus_format() -> None:
    reply = Admin().get("/metrics")
    assert reply.headers["content-type"].startswith("text/plain; version=")
    assert "gateway_requests" in reply.text
