"""Exchanges on the fast paths and on the generic path, and what they show."""

import re
from collections.abc import Callable
from typing import Any

import msgspec

from gateway.config.settings import ModelRule, PerformanceSettings
from gateway.config.translation_settings import TranslationSettings
from gateway.errors import GatewayError
from gateway.shapes import Json, Shape, UpstreamCall
from tests.exchange.scene import Exchanged, Scene
from tests.fakes import Answer, json_reply
from tests.translate.round_trips.exchanges import ANTHROPIC, MODEL

Deliver = Callable[[int, Json], Answer]
"""What is answered to the call of that number."""
Played = tuple[list[bytes], Exchanged | GatewayError]
"""What the upstream was sent, and what the client got."""
_DRAWN = re.compile(rb'[0-9a-f]{32}|gw1\.[\w=.-]+|"encrypted_content":"[^"]*"')


def play(client: Shape, home: Shape, request: Json, deliver: Deliver, *, fast: bool) -> Played:
    """Play a request to its end by a gateway that has learned nothing; unsupported is dropped."""
    sent: list[bytes] = []

    def answer(call: UpstreamCall) -> Answer:
        if call.method == "GET":
            return json_reply({"data": []})
        assert isinstance(call.body, bytes)
        sent.append(call.body)
        return deliver(len(sent) - 1, msgspec.json.decode(call.body))

    scene = Scene(
        answer,
        *([ANTHROPIC] if home is Shape.MESSAGES else ()),
        rules=(ModelRule(MODEL, endpoints=(home,)),),
        translation=TranslationSettings(on_unsupported="drop"),
        performance=PerformanceSettings(fast_paths=fast),
    )
    try:
        return sent, scene.generate(client, request)
    except GatewayError as error:
        return sent, error


def shown(played: Played) -> tuple[Any, ...]:
    """Return all that an exchange shows, but for what is drawn at random.

    What is sent may be written in different ways.
    """
    sent = [msgspec.json.decode(body) for body in played[0]]
    got = played[1]
    if isinstance(got, GatewayError):
        return sent, got.status, got.envelope()
    return sent, got.decision.translation, undrawn(got.body)


def undrawn(body: bytes) -> bytes:
    """Return a body without what is drawn at random, or is another each time it is sealed."""
    return _DRAWN.sub(lambda drawn: b'"":""' if drawn[0].startswith(b'"') else b"", body)
