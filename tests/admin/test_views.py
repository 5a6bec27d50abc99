"""What the operators' listener shows, as JSON, text and events."""

import threading

import pytest

from gateway.admin import live
from gateway.admin.counters import exposition
from gateway.exchange.decision import Decision
from gateway.observe.outcomes import Ending, Outcome
from gateway.resolve.memory import CacheScope
from gateway.shapes import Shape
from tests.admin.listener import Admin
from tests.observe.ended import finished_now

SUCCESS = Ending(Outcome.SUCCESS)


def test_metrics_are_served_in_prometheus_format() -> None:
    reply = Admin().get("/metrics")
    assert reply.headers["content-type"].startswith("text/plain; version=")
    assert "gateway_requests" in reply.text


def test_many_series_are_written_beside_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    written_by: list[threading.Thread] = []

    def generate(registry: object) -> bytes:
        written_by.append(threading.current_thread())
        return b"all"

    monkeypatch.setattr(exposition, "generate_latest", generate)
    admin = Admin()
    assert admin.get("/metrics").text == "all"
    assert admin.get("/requests").json() == []
    (thread,) = written_by
    assert thread.name.startswith("asyncio_")


def test_recent_requests_are_filtered() -> None:
    admin = Admin()
    for model in ("gpt-4o", "o1"):
        decision = Decision("openai", client="team-a", model_asked=model)
        admin.recent.finished(finished_now(decision, "chat", SUCCESS, 200, 0.1))
    for query, models in (
        ("", ["o1", "gpt-4o"]),
        ("?model=GPT", ["gpt-4o"]),
        ("?client=b", []),
        ("?outcome=success&client=team", ["o1", "gpt-4o"]),
    ):
        shown = admin.get(f"/requests{query}").json()
        assert [request["model_asked"] for request in shown] == models


def test_upstreams_have_their_figures() -> None:
    (upstream,) = Admin().get("/upstreams").json()
    assert (upstream["name"], upstream["in_flight"], upstream["queued"]) == ("openai", 2, 3)


def test_what_was_learned_is_shown_and_forgotten() -> None:
    admin = Admin()
    admin.learned.learn(CacheScope("openai", "f"), "acme-x", None, Shape.RESPONSES)
    (entry,) = admin.get("/learned").json()
    assert (entry["model"], entry["endpoint"]) == ("acme-x", "/v1/responses")
    wanted = {"upstream": "openai", "model": "acme-x"}
    assert admin.post("/forget", {**wanted, "model": "other"}).json() == {"forgotten": 0}
    assert admin.post("/forget", wanted).json() == {"forgotten": 1}
    assert admin.get("/learned").json() == []


@pytest.mark.parametrize(
    ("fields", "status", "param"),
    [
        ({}, 400, "upstream"),
        ({"upstream": "openai"}, 400, "model"),
        ({"upstream": "openai", "model": ""}, 400, "model"),
        ({"upstream": "openai", "model": 1}, 400, "model"),
        ({"upstream": "elsewhere", "model": "acme-x"}, 404, "upstream"),
    ],
)
def test_what_cannot_be_forgotten_is_refused_with_the_field(
    fields: dict[str, object], status: int, param: str
) -> None:
    reply = Admin().post("/forget", fields)
    assert (reply.status_code, reply.json()["error"]["param"]) == (status, param)


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"sec_fetch_site": "cross-site"},
        {"content_type": "text/plain"},
        {"content_type": "application/x-www-form-urlencoded"},
    ],
)
def test_no_page_of_another_site_makes_it_forget(headers: dict[str, str]) -> None:
    admin = Admin()
    admin.learned.learn(CacheScope("openai", "f"), "acme-x", None, Shape.RESPONSES)
    body = b'{"upstream":"openai","model":"acme-x"}'
    assert admin.post("/forget", body, **headers).status_code in (400, 403)
    assert len(admin.get("/learned").json()) == 1


def test_the_configuration_is_shown_as_text() -> None:
    reply = Admin().get("/configuration")
    assert reply.headers["content-type"] == "text/plain; charset=utf-8"
    assert "upstreams:\n  openai:\n" in reply.text


def test_events_come_as_a_stream_of_which_there_are_not_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    admin = Admin()
    assert admin.get("/live").headers["content-type"] == "text/event-stream; charset=utf-8"
    monkeypatch.setattr(live, "MAX_PAGES", 0)
    reply = admin.get("/live")
    assert (reply.status_code, reply.json()["error"]["code"]) == (503, "too_many_pages")
