"""A refusal that a relay answers as its own fault is repaired as any other one is."""

import pytest

from gateway.config.settings import ModelRule, UpstreamSettings
from gateway.errors import ModelNotFound
from gateway.shapes import Shape, UpstreamCall
from tests import kinds
from tests.exchange.scene import Exchanged, Scene, chat_chunk, chat_completion
from tests.exchange.test_retries import ASKED, sent
from tests.fakes import Answer, error_reply, json_reply, stream_reply

RELAY = UpstreamSettings("relay", "http://127.0.0.1:3000/v1", kinds.OTHER)


def asked(shape: Shape, said: str, **more: object) -> tuple[Scene, Exchanged]:
    """Ask a relay that answers 500 to a temperature, with what its upstream has said of it."""

    def answer(call: UpstreamCall) -> Answer:
        if call.method == "GET":
            return json_reply({"data": []})
        if "temperature" in sent(call):
            return error_reply(500, said, type="new_api_error", code="bad_response_status_code")
        if sent(call).get("stream"):
            return stream_reply(chat_chunk("Hello"), chat_chunk(finish="stop"))
        return json_reply(chat_completion())

    scene = Scene(answer, RELAY, rules=(ModelRule("m", endpoints=(Shape.CHAT,)),))
    body = {"model": "m", **ASKED[shape], "temperature": 0.5, **more}
    return scene, scene.generate(shape, body)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("shape", list(Shape))
def test_what_it_refuses_is_left_out_and_reported(shape: Shape, stream: bool) -> None:
    said = "bad response status code 400, message: temperature is not allowed"
    scene, result = asked(shape, said, stream=stream)
    assert result.reply.status == 200
    assert b"Hello" in result.body
    assert "temperature" not in scene.network.bodies()[-1]
    report = dict(result.decision.headers())[b"x-gateway-translation"]
    assert b"dropped=temperature" in report


@pytest.mark.parametrize(
    "said", ["temperature is not allowed", "bad response status code 429, message: temperature …"]
)
def test_a_fault_of_its_own_stays_one(said: str) -> None:
    scene, result = asked(Shape.CHAT, said)
    assert result.reply.status == 500
    assert len([path for path in scene.network.paths if path.startswith("POST")]) == 1


def test_a_model_that_its_upstream_lacks_is_missing() -> None:
    with pytest.raises(ModelNotFound):
        asked(Shape.CHAT, "bad response status code 404, message: No model named m")
