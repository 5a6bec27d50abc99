"""Claude Code's mark after a model's name, `[1m]`."""

from typing import Any

import msgspec
import pytest

from gateway.config.settings import ClientSettings, CredentialPolicy, ModelRule, UpstreamSettings
from gateway.errors import PermissionDenied
from gateway.shapes import Json, Shape, UpstreamCall
from tests import kinds
from tests.exchange.scene import Scene
from tests.exchange.test_counting import counted
from tests.exchange.test_odd_replies import ASKED, WHOLE
from tests.fakes import Answer, json_reply

LOCAL = UpstreamSettings("local", "http://127.0.0.1:8000/v1", kinds.VLLM, CredentialPolicy.NONE)
HELLO = [{"role": "user", "content": "Hi"}]


def answer(call: UpstreamCall) -> Answer:
    if call.path.endswith("_tokens"):
        return json_reply({"input_tokens": 5})
    shape = next((shape for shape in Shape if shape.path == call.path), None)
    return json_reply({"object": "list", "data": []} if shape is None else WHOLE[shape])


def sent(model: str, *rules: ModelRule, shape: Shape = Shape.MESSAGES, **more: Any) -> Any:
    """Return the model's name as the upstream gets it."""
    scene = Scene(answer, LOCAL, rules=rules)
    scene.generate(shape, {**ASKED[shape], "model": model, **more})
    return scene.network.bodies()[-1]["model"]


@pytest.mark.parametrize("home", list(Shape))
@pytest.mark.parametrize("mark", ["[1m]", "[1M]", "[2m]", "[1M][1m]"])
@pytest.mark.parametrize("size", [1, 3_000_000])
def test_a_mark_is_not_a_part_of_a_name(home: Shape, mark: str, size: int) -> None:
    rule = ModelRule("m", endpoints=(home,))
    messages = [{"role": "user", "content": "x" * size}]
    assert sent(f"m{mark}", rule, messages=messages) == "m"


def test_an_alias_is_found_without_it() -> None:
    alias = ModelRule("claude-x", model="llama", endpoints=(Shape.CHAT,))
    assert sent("claude-x[1m]", alias) == "llama"
    assert sent("openai/x[1m]", ModelRule("openai/*", model="*")) == "x"


@pytest.mark.parametrize("model", ["m", "m[3m]", "m[1m", "m[1m]x", "[1m]", "m]", "m[x]"])
def test_other_names_stay_as_they_are(model: str) -> None:
    assert sent(model) == model


@pytest.mark.parametrize("shape", [Shape.CHAT, Shape.RESPONSES, Shape.COMPLETIONS])
def test_so_do_those_of_other_clients(shape: Shape) -> None:
    assert sent("m[1m]", shape=shape) == "m[1m]"


def test_so_do_those_that_the_configuration_has() -> None:
    whole = ModelRule("*[[]1m]", model="long")
    assert sent("m[1m]", whole) == "long"
    assert sent("m[1m]", whole, ModelRule("m", model="short")) == "long"
    assert sent("m[1m]", ModelRule("m*", model="short"), whole) == "short"
    scene = Scene(answer, LOCAL, redirect=(("m[1m]", "long"),))
    scene.generate(Shape.MESSAGES, {**ASKED[Shape.MESSAGES], "model": "m[1m]"})
    assert scene.network.bodies()[-1]["model"] == "long"


def test_a_client_may_use_what_it_may_use_without_it() -> None:
    bob = ClientSettings("bob", (), models=("m",))
    body: Json = {**ASKED[Shape.MESSAGES], "model": "m[1m]"}
    scene = Scene(answer, LOCAL)
    scene.generate(Shape.MESSAGES, body, client=bob)
    with pytest.raises(PermissionDenied):
        scene.generate(Shape.MESSAGES, {**body, "model": "n[1m]"}, client=bob)
    counted(scene, body, bob)
    assert [each["model"] for each in scene.network.bodies()] == ["m", "m"]


def test_all_else_of_a_request_is_as_it_was() -> None:
    scene = Scene(answer, LOCAL)
    raw = b'{ "x": 1.10, "model" : "m[1m]","messages":[{"role":"user","content":"[1m]"}]}'
    scene.generate(Shape.MESSAGES, raw)
    (call,) = [call for call in scene.network.calls if call.method == "POST"]
    assert isinstance(call.body, bytes)
    assert msgspec.json.decode(call.body)["model"] == "m"
    assert b'"x":1.10' in call.body
    assert b'"content":"[1m]"' in call.body


@pytest.mark.parametrize("home", [Shape.MESSAGES, Shape.RESPONSES])
def test_tokens_are_counted_without_it(home: Shape) -> None:
    scene = Scene(answer, LOCAL, rules=(ModelRule("m", endpoints=(home,)),))
    reply, decision = counted(scene, {"model": "m[1m]", "messages": HELLO, "max_tokens": 9})
    assert isinstance(reply.body, bytes)
    assert msgspec.json.decode(reply.body) == {"input_tokens": 5}
    assert scene.network.bodies()[-1]["model"] == "m"
    assert decision.model_asked == "m"
