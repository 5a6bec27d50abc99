"""Responses of a realtime session, as objects and events."""

from typing import Any

import pytest

from gateway.demo.generation.answer import Json, ReplyIds
from gateway.demo.refusals import Refused
from gateway.demo.sockets.realtime_reply import Reply, conversation_of, reply_to
from gateway.demo.sockets.realtime_session import RealtimeSession

TOOL = {"type": "function", "name": "clock"}


def reply(text: str, **settings: Any) -> Reply:
    content = [{"type": "input_text", "text": text}]
    items: list[Json] = [{"type": "message", "role": "user", "content": content}]
    own = RealtimeSession("m", 1, 0).settings_for(settings)
    return reply_to(items, own, "m", ReplyIds(2, 0), "conv_1")


def test_a_choice_of_a_tool_is_followed() -> None:
    calling = reply("x", tools=[TOOL], tool_choice={"type": "function", "name": "clock"})
    (item,) = calling.output()
    assert (item["name"], item["status"]) == ("clock", "completed")
    assert calling.resource()["usage"]["output_token_details"]["audio_tokens"] == 0
    with pytest.raises(Refused, match="no function named 'dice'"):
        reply("x", tools=[TOOL], tool_choice={"type": "function", "name": "dice"})


def test_events_lead_to_what_the_response_has() -> None:
    said = reply("hi", output_modalities=["text"])
    events = list(said.events())
    (item,) = said.output()
    assert [members["item"] for _, kind, members in events if kind.endswith("item.done")] == [
        item,
        item,
    ]
    deltas = [members["delta"] for _, kind, members in events if kind.endswith(".delta")]
    assert "".join(deltas) == item["content"][0]["text"]


def test_a_response_under_way_has_no_output_yet() -> None:
    resource = reply("hi").resource("in_progress")
    assert (resource["status"], resource["output"], resource["usage"]) == ("in_progress", [], None)


def test_pictures_show_their_type() -> None:
    picture = {"type": "input_image", "image_url": "data:x"}
    items = [{"type": "message", "role": "user", "content": [picture]}]
    settings = RealtimeSession("m", 1, 0).settings_for({})
    assert conversation_of(items, settings).text == "[input_image]"
    assert conversation_of([], settings).text == ""
