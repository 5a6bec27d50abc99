"""A client that reads a stream of responses events as strictly as any: grammar and schema."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from gateway.shapes import Json
from tests.translate.openai_schema import check_response_event

TERMINAL = ("response.completed", "response.incomplete", "response.failed")

_DELTAS = {
    "response.output_text.delta": "response.output_text.done",
    "response.refusal.delta": "response.refusal.done",
    "response.reasoning_text.delta": "response.reasoning_text.done",
    "response.reasoning_summary_text.delta": "response.reasoning_summary_text.done",
    "response.function_call_arguments.delta": "response.function_call_arguments.done",
    "response.custom_tool_call_input.delta": "response.custom_tool_call_input.done",
}
_DONE_TEXT = {
    "response.output_text.done": "text",
    "response.refusal.done": "refusal",
    "response.reasoning_text.done": "text",
    "response.reasoning_summary_text.done": "text",
    "response.function_call_arguments.done": "arguments",
    "response.custom_tool_call_input.done": "input",
}
_PART_ADDED = ("response.content_part.added", "response.reasoning_summary_part.added")
_PART_DONE = ("response.content_part.done", "response.reasoning_summary_part.done")


def read(events: Sequence[Json]) -> Json:
    """Return the response of a whole stream that ended well; fail where it breaks the grammar."""
    response = read_any(events)
    assert response["status"] in ("completed", "incomplete")
    return response


def read_any(events: Sequence[Json]) -> Json:
    """Return the last response of a whole stream, a failed one too."""
    for number, event in enumerate(events):
        check_response_event(event)
        assert event["sequence_number"] == number
    rest = iter(events)
    created, in_progress = next(rest), next(rest)
    assert created["type"] == "response.created"
    assert in_progress["type"] == "response.in_progress"
    for event in (created, in_progress):
        assert event["response"]["status"] == "in_progress"
        assert event["response"]["output"] == []
        assert event["response"]["usage"] is None
    output: list[Json] = []
    failing = False
    for event in rest:
        kind = event["type"]
        if kind in TERMINAL:
            response: Json = event["response"]
            assert next(rest, None) is None, "nothing comes after the end"
            assert response["status"] == kind.removeprefix("response.")
            _compare(output, response)
            assert {k: v for k, v in response.items() if k in ("id", "created_at", "model")} == {
                k: v for k, v in created["response"].items() if k in ("id", "created_at", "model")
            }
            return response
        if kind == "error":
            failing = True
            continue
        assert not failing
        assert kind == "response.output_item.added"
        assert event["output_index"] == len(output)
        output.append(_read_item(event, rest))
        if output[-1].get("unfinished"):
            failing = True
    raise AssertionError("no terminal event")


_BROKEN_OFF = {"apply_patch_call": "in_progress", "image_generation_call": "completed"}
"""What items have for a status that do not know `incomplete`; a picture is whole when it comes."""


def _compare(output: list[Json], response: Json) -> None:
    if response["status"] != "failed":
        assert response["output"] == output
        return
    assert len(response["output"]) == len(output)
    for streamed, final in zip(output, response["output"], strict=True):
        if streamed.get("unfinished"):
            assert final["id"] == streamed["id"]
            assert final["status"] == _BROKEN_OFF.get(final["type"], "incomplete")
        else:
            assert final == streamed


def _read_item(added: Json, rest: Iterator[Json]) -> Json:
    """Read the events of one item up to its end, which no other item's may interrupt."""
    item: Json = added["item"]
    assert item["status"] == "in_progress"
    text: list[str] = []
    parts: list[Json] = []
    open_part = item["type"] in ("function_call", "custom_tool_call")
    closed_text: str | None = None
    annotations = 0
    for event in rest:
        kind = event["type"]
        if kind == "error":
            return {**item, "unfinished": True}
        assert event["output_index"] == added["output_index"]
        if kind == "response.output_item.done":
            done: Json = event["item"]
            assert done["id"] == item["id"]
            assert done["type"] == item["type"]
            _check_done(done, parts, closed_text)
            return done
        assert event["item_id"] == item["id"]
        index = event.get("content_index", event.get("summary_index"))
        if kind in _PART_ADDED:
            assert not open_part
            assert index == len(parts)
            open_part, closed_text, annotations = True, None, 0
            text.clear()
        elif kind in _PART_DONE:
            assert open_part
            assert closed_text is not None
            assert event["part"].get("text", event["part"].get("refusal")) == closed_text
            assert len(event["part"].get("annotations", ())) == annotations
            parts.append(event["part"])
            open_part = False
        elif kind == "response.output_text.annotation.added":
            assert event["annotation_index"] == annotations
            annotations += 1
        elif kind.startswith("response.image_generation_call."):
            assert item["type"] == "image_generation_call"
        elif kind in _DELTAS:
            assert open_part
            assert closed_text is None
            text.append(event["delta"])
        else:
            closed_text = event[_DONE_TEXT[kind]]
            assert open_part
            assert "".join(text) == closed_text
    raise AssertionError("the item has no end")


def _check_done(done: Json, parts: list[Json], text: str | None) -> None:
    if done["type"] == "message":
        assert done["content"] == parts
        assert parts
    elif done["type"] == "reasoning":
        assert done["summary"] + done["content"] == parts
    elif done["type"] in ("function_call", "custom_tool_call"):
        assert done.get("arguments", done.get("input")) == text
        assert text is not None
    else:
        assert text is None


def kinds(events: Iterable[Json]) -> list[str]:
    """Return the types of the events without their prefix, `created` and `in_progress` left out."""
    found = [event["type"].removeprefix("response.") for event in events]
    return [kind for kind in found if kind not in ("created", "in_progress")]


def deltas(events: Iterable[Json]) -> list[Any]:
    """Return the deltas in order."""
    return [event["delta"] for event in events if event["type"].endswith(".delta")]


def texts(response: Json) -> list[str]:
    """Return what each item says, in order."""
    said: list[str] = []
    for item in response["output"]:
        if item["type"] in ("message", "reasoning"):
            parts = item["content"] + item.get("summary", [])
            said.append("|".join(part.get("text", part.get("refusal")) for part in parts))
        else:
            said.append(f"{item['name']}({item.get('arguments', item.get('input'))})")
    return said


MESSAGE_KINDS = [
    "output_item.added",
    "content_part.added",
    "output_text.delta",
    "output_text.done",
    "content_part.done",
    "output_item.done",
]
