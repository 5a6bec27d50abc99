"""What becomes of a request, without sending it."""

from typing import cast

import msgspec
import pytest

from gateway import servers
from gateway.admin import translation
from gateway.admin.translation import planned_for
from gateway.config.settings import ModelRule
from gateway.errors import InvalidRequest
from gateway.request import GenerationRequest
from gateway.shapes import Shape
from tests import kinds
from tests.admin.listener import lists
from tests.exchange.scene import Scene

CHAT = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "seed": 1}


def shown(scene: Scene, body: object, home: Shape) -> object:
    route = scene.resolver.assumed("m", home, kinds.OPENAI)
    raw = msgspec.json.encode(body)
    attempts = scene.exchange.attempts
    return planned_for(scene.resolver, attempts, route, Shape.CHAT, raw).shown


def test_the_calls_and_the_report_are_shown() -> None:
    result = shown(Scene(lists), CHAT, Shape.COMPLETIONS)
    assert isinstance(result, dict)
    (call,) = result["calls"]
    assert call["path"] == "/v1/completions"
    assert (call["body"]["prompt"], call["body"]["seed"]) == ("User: Hi\nAssistant:", 1)
    assert (result["report"]["from"], result["report"]["to"]) == ("chat", "completions")
    assert result["local_reply"] is None


@pytest.mark.parametrize("home", Shape)
def test_a_body_of_responses_is_shown_as_such(home: Shape) -> None:
    result = shown(Scene(lists), {"model": "m", "input": "Hi"}, home)
    assert isinstance(result, dict)
    report = result["report"]
    assert (report["from"], report["body"], report["to"]) == ("chat", "responses", home)


def test_the_rule_of_a_model_is_applied() -> None:
    scene = Scene(lists, rules=(ModelRule("m", model="sent"),))
    result = shown(scene, CHAT, Shape.COMPLETIONS)
    assert isinstance(result, dict)
    assert result["calls"][0]["body"]["model"] == "sent"


def test_a_pair_without_a_translation_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(translation, "can_translate", lambda *_: False)
    with pytest.raises(InvalidRequest) as refused:
        shown(Scene(lists), CHAT, Shape.RESPONSES)
    assert refused.value.param == "to"


@pytest.mark.parametrize("kind", [kinds.OPENAI, servers.profile("other")])
@pytest.mark.parametrize("home", [Shape.CHAT, Shape.RESPONSES])
def test_the_bodies_are_those_that_are_sent(kind: servers.Profile, home: Shape) -> None:
    scene = Scene(lists)
    route = scene.resolver.assumed("m", home, kind)
    raw = msgspec.json.encode({"model": "m", "messages": [{"role": "user", "content": "Hi"}]})
    attempts = scene.exchange.attempts
    planned = planned_for(scene.resolver, attempts, route, Shape.CHAT, raw).shown
    attempt = attempts.build(GenerationRequest.at(Shape.CHAT, raw), route, home, ())
    sent = [msgspec.json.decode(cast("bytes", each.body)) for each in attempt.calls]
    assert [call["body"] for call in planned["calls"]] == sent
    if home is Shape.CHAT:
        assert sent == [msgspec.json.decode(raw)]
