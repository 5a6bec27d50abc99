"""A flag is no number, nor the reverse: no endpoint's request has one in the other's place."""

import pytest

from gateway.config.settings import ModelRule, UpstreamSettings
from gateway.errors import InvalidRequest
from gateway.shapes import Shape, UpstreamCall
from tests import kinds
from tests.exchange.scene import Scene
from tests.exchange.test_retries import ASKED, REPLIES
from tests.fakes import Answer, json_reply

SERVER = UpstreamSettings("server", "http://127.0.0.1:8000/v1", kinds.OTHER)
ELSEWHERE = [(client, home) for client in Shape for home in Shape if client is not home]
_PENALTIES = ("frequency_penalty", "presence_penalty")
NUMBERS: dict[Shape, tuple[str, ...]] = {
    Shape.COMPLETIONS: ("n", "best_of", "max_tokens", "temperature", "top_p", "seed", *_PENALTIES),
    Shape.CHAT: ("n", "max_tokens", "max_completion_tokens", "temperature", "seed", *_PENALTIES),
    Shape.RESPONSES: ("max_output_tokens", "top_logprobs", "temperature", "seed", *_PENALTIES),
    Shape.MESSAGES: ("n", "best_of", "max_tokens", "top_logprobs", "top_k", "seed", *_PENALTIES),
}


def ask(client: Shape, home: Shape, **more: object) -> Scene:
    def answer(call: UpstreamCall) -> Answer:
        return json_reply({"data": []} if call.method == "GET" else REPLIES[call.path])

    scene = Scene(answer, SERVER, rules=(ModelRule("m", endpoints=(home,)),))
    scene.generate(client, {"model": "m", **ASKED[client], **more})
    return scene


@pytest.mark.parametrize("flag", [True, False])
@pytest.mark.parametrize(("client", "home"), ELSEWHERE)
def test_a_flag_is_an_error_where_a_number_is_wanted(
    client: Shape, home: Shape, flag: bool
) -> None:
    for name in NUMBERS[client]:
        with pytest.raises(InvalidRequest) as caught:
            ask(client, home, **{name: flag})
        assert caught.value.param == name


@pytest.mark.parametrize("client", [Shape.COMPLETIONS, Shape.CHAT, Shape.RESPONSES])
def test_claudes_top_k_is_a_number_for_other_clients_too(client: Shape) -> None:
    for wrong in (True, False, "40"):
        with pytest.raises(InvalidRequest) as caught:
            ask(client, Shape.MESSAGES, top_k=wrong)
        assert caught.value.param == "top_k"
    for none in (0, -1, None):
        assert "top_k" not in ask(client, Shape.MESSAGES, top_k=none).network.bodies()[-1]
    assert ask(client, Shape.MESSAGES, top_k=40.0).network.bodies()[-1]["top_k"] == 40


@pytest.mark.parametrize("home", [Shape.COMPLETIONS, Shape.CHAT, Shape.RESPONSES])
def test_a_number_is_no_flag_of_a_messages_client(home: Shape) -> None:
    for name in ("echo", "background", "logprobs"):
        with pytest.raises(InvalidRequest) as caught:
            ask(Shape.MESSAGES, home, **{name: 0})
        assert caught.value.param == name
        ask(Shape.MESSAGES, home, **{name: False})
