"""text-generation-inference takes no `top_p` of 1, which programs send where they mean none."""

import msgspec
import pytest

from gateway.config.settings import ModelRule, PerformanceSettings, UpstreamSettings
from gateway.shapes import Json, Shape, UpstreamCall
from tests import kinds
from tests.exchange.reply.test_whole_body import REQUESTS
from tests.exchange.scene import Scene
from tests.fakes import EVENT_STREAM, FakeReply, json_reply
from tests.faults.payloads import DONE, events, whole

REFUSED: Json = {
    "error": "Input validation error: `top_p` must be > 0.0 and < 1.0",
    "error_type": "validation",
}
TGI = UpstreamSettings("tgi", "http://127.0.0.1:1/v1", kinds.TGI)


@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("home", [Shape.CHAT, Shape.COMPLETIONS])
@pytest.mark.parametrize("client", list(Shape))
def test_it_is_left_out_once_it_is_refused(
    client: Shape, home: Shape, *, stream: bool, fast: bool
) -> None:
    def answer(call: UpstreamCall) -> FakeReply:
        if call.method == "GET":
            return json_reply({"data": []})
        assert isinstance(call.body, bytes)
        if not 0 < msgspec.json.decode(call.body).get("top_p", 0.5) < 1:
            return json_reply(REFUSED, 422)
        if stream:
            return FakeReply(200, EVENT_STREAM, [*events(home), DONE])
        return json_reply(whole(home))

    scene = Scene(
        answer,
        TGI,
        rules=(ModelRule("m", "m", endpoints=(home,)),),
        performance=PerformanceSettings(fast_paths=fast),
    )
    body = {**REQUESTS[client], "model": "m", "stream": stream}
    for top_p, attempts in ((1, 2), (1, 1), (0.5, 1), (0, 2)):
        result = scene.generate(client, {**body, "top_p": top_p})
        assert (result.reply.status, result.decision.attempts) == (200, attempts)
        sent = scene.network.bodies()[-1]
        assert sent.get("top_p") == (top_p if 0 < top_p < 1 else None)
        assert ("dropped=top_p" in result.decision.translation) is (top_p in (0, 1))
