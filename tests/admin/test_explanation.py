"""A route as JSON, with its evidence."""

from dataclasses import replace

from gateway import servers
from gateway.admin.explanation import explain
from gateway.resolve.evidence import Evidence, Route, Source
from gateway.shapes import Shape
from tests.admin.listener import Admin


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


ROUTE = Route(
    "openai",
    "bot",
    "davinci-002",
    servers.profile("openai"),
    Shape.COMPLETIONS,
    (Shape.COMPLETIONS, Shape.CHAT),
    Source.ID,
    (
        Evidence(Source.CAPABILITY, "in the model list", exists=True, age=1.26),
        Evidence(Source.ID, "its id says so", (Shape.COMPLETIONS,), "davinci-002"),
        Evidence(Source.CATALOGUE, "known", (Shape.COMPLETIONS, Shape.CHAT)),
    ),
    quirks=frozenset({"b", "a"}),
)


def test_the_first_piece_that_names_endpoints_decides() -> None:
    explained = explain(ROUTE, Shape.CHAT)
    assert [piece["decides"] for piece in explained["evidence"]] == [False, True, False]
    assert explained["evidence"][0] == {
        "source": "capability",
        "detail": "in the model list",
        "endpoints": [],
        "base": None,
        "age_seconds": 1.3,
        "decides": False,
    }
    assert explained["endpoints"] == ["/v1/completions", "/v1/chat/completions"]
    assert (explained["model"], explained["model_sent"]) == ("bot", "davinci-002")
    assert explained["quirks"] == ["a", "b"]


def test_a_route_to_the_clients_own_shape_is_not_translated() -> None:
    assert explain(ROUTE, Shape.CHAT)["translated"]
    assert not explain(ROUTE, Shape.COMPLETIONS)["translated"]


def test_only_a_redirected_model_says_where_it_went() -> None:
    assert "redirected_to" not in explain(ROUTE, Shape.CHAT)
    redirected = replace(ROUTE, redirected_to="gpt-5.4-mini")
    assert explain(redirected, Shape.CHAT)["redirected_to"] == "gpt-5.4-mini"
