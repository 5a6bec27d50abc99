"""Questions to the operators' listener: where a request would go, what would become of it."""

import asyncio
from typing import Any

import msgspec
import pytest

from gateway.resolve.resolver import ModelQuery
from gateway.shapes import Shape
from tests.admin.listener import TOKEN, Admin

CHAT = msgspec.json.encode(
    {"model": "davinci-002", "messages": [{"role": "user", "content": "Hi"}]}
).decode()


def test_nobody_sees_more_than_their_own_key_shows() -> None:
    admin = Admin()
    mine = admin.get("/resolve?model=acme-x", authorization="Bearer alice").json()
    assert "in the model list" in str(mine["evidence"])
    others = admin.get("/resolve?model=acme-x").json()
    assert "in the model list, which" not in str(others["evidence"])


@pytest.mark.parametrize(
    ("query", "param"),
    [("", "model"), ("model=m&from=edits", "from")],
)
def test_a_question_that_is_none_is_a_400(query: str, param: str) -> None:
    reply = Admin().get(f"/resolve?{query}")
    assert (reply.status_code, reply.json()["error"]["param"]) == (400, param)


@pytest.mark.parametrize("model", ["x" * 513, "a%00b", "a%0Ab", "%E2%80%AE"])
def test_a_name_that_requests_may_not_have_is_refused_in_the_same_words(model: str) -> None:
    reply = Admin().get(f"/resolve?model={model}")
    error = reply.json()["error"]
    assert (reply.status_code, error["code"]) == (400, "invalid_value")
    assert error["message"] == "'model' must be at most 512 printable characters."


def test_features_are_part_of_the_question() -> None:
    admin = Admin()
    features = frozenset({"tools", "reasoning"})

    async def learn() -> None:
        route = await admin.scene.resolver.resolve(ModelQuery("gpt-5.1", Shape.CHAT))
        scope = admin.scene.resolver.scope(route, ())
        admin.learned.learn(scope, "gpt-5.1", features, Shape.RESPONSES)

    asyncio.run(learn())
    chat = admin.get("/resolve?model=gpt-5.1").json()
    tools = admin.get("/resolve?model=gpt-5.1&tools=1&reasoning=true").json()
    assert (chat["endpoint"], tools["endpoint"]) == ("/v1/chat/completions", "/v1/responses")


@pytest.mark.parametrize("path", ["/resolve?model=acme-x", "/translate"])
def test_the_token_goes_to_no_upstream(path: str) -> None:
    admin = Admin(TOKEN)
    unknown = {"body": CHAT.replace("davinci-002", "acme-x")}
    method, body = ("POST", unknown) if path == "/translate" else ("GET", None)
    admin.send(method, path, body, authorization="Bearer admin-token")
    admin.send(method, path, body, x_admin_token="admin-token", authorization="Bearer alice")
    sent = [dict(call.client_headers) for call in admin.scene.network.calls]
    assert sent
    assert b"admin-token" not in str(sent).encode()
    assert {b"authorization": b"Bearer alice"} in sent


def test_a_request_is_translated_to_where_its_route_leads() -> None:
    shown = Admin().post("/translate", {"body": CHAT}).json()
    assert (shown["upstream"], shown["report"]["to"]) == ("openai", "completions")
    assert shown["calls"][0]["body"]["prompt"] == "User: Hi\nAssistant:"


def test_a_request_to_translate_has_to_be_given() -> None:
    nothing: dict[str, Any] = {}
    for fields in (nothing, {"from": "chat"}):
        reply = Admin().post("/translate", fields)
        error = reply.json()["error"]
        assert (reply.status_code, error["param"]) == (400, "body")
        assert error["message"].startswith("Give 'body': /translate takes")


def test_a_request_is_translated_to_where_it_is_wanted_and_nothing_is_sent() -> None:
    admin = Admin()
    asked = {"body": CHAT, "from": "chat", "to": "responses", "kind": "vllm"}
    shown = admin.post("/translate", asked).json()
    assert (shown["report"]["to"], shown["calls"][0]["path"]) == ("responses", "/v1/responses")
    asked["kind"] = ""
    assert admin.post("/translate", asked).status_code == 200
    assert admin.scene.network.calls == []


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"body": CHAT, "to": "edits"}, "to"),
        ({"body": CHAT, "to": "chat", "kind": "none-such"}, "kind"),
        ({"body": CHAT, "from": 1}, "from"),
        ({"body": CHAT, "from": "edits"}, "from"),
        ({"body": "{"}, None),
        ({"body": "{}"}, "model"),
        ({}, "body"),
        ({"body": CHAT.replace('"Hi"', "1"), "to": "completions"}, "messages[0].content"),
    ],
)
def test_a_request_that_is_none_is_a_400(fields: dict[str, Any], param: str | None) -> None:
    reply = Admin().post("/translate", fields)
    assert (reply.status_code, reply.json()["error"]["param"]) == (400, param)
