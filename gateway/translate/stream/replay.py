"""A finished response as a stream in which it could have come.

The grammar is that of OpenAI's `ResponseStreamEvent`. Each text comes as one delta, so the events'
numbers differ from those of the stream that the response first came in.
"""

from collections.abc import Iterator
from typing import Any

from gateway.shapes import Json
from gateway.translate.stream.response_form import TEXTS


def replayed(response: Json) -> list[Json]:
    """Return the events of a whole response, numbered from 0.

    The response must pass `response_form.check_response`.
    """
    return [
        {"type": event["type"], "sequence_number": number, **event}
        for number, event in enumerate(_events(response))
    ]


def _events(response: Json) -> Iterator[Json]:
    begun = {
        **response,
        "status": "in_progress",
        "completed_at": None,
        "incomplete_details": None,
        "output": [],
        "usage": None,
    }
    yield {"type": "response.created", "response": begun}
    yield {"type": "response.in_progress", "response": begun}
    for index, item in enumerate(response["output"]):
        yield from _item(item, index)
    ending = response.get("status") or ("failed" if response.get("error") else "completed")
    yield {"type": f"response.{ending}", "response": response}


def _item(item: Json, index: int) -> Iterator[Json]:
    empty = {name: _EMPTY.get(name, value) for name, value in item.items()}
    yield {"type": "response.output_item.added", "output_index": index, "item": empty}
    place = {"item_id": item["id"], "output_index": index}
    for number, part in enumerate(item.get("summary") or ()):
        yield from _summary(part, {**place, "summary_index": number})
    for number, part in enumerate(item.get("content") or ()):
        yield from _part(part, {**place, "content_index": number})
    if item["type"] == "function_call":
        text, named = item["arguments"], {"name": item["name"], "arguments": item["arguments"]}
        yield from _text("function_call_arguments", text, place, named)
    elif item["type"] == "custom_tool_call":
        yield from _text("custom_tool_call_input", item["input"], place, {"input": item["input"]})
    yield {"type": "response.output_item.done", "output_index": index, "item": item}


_EMPTY: Json = {
    "status": "in_progress",
    "summary": [],
    "content": [],
    "arguments": "",
    "input": "",
}
"""The values that these fields have in an item when it begins."""


def _summary(part: Json, place: Json) -> Iterator[Json]:
    empty = {**part, "text": ""}
    yield {"type": "response.reasoning_summary_part.added", **place, "part": empty}
    yield from _text("reasoning_summary_text", part["text"], place, {"text": part["text"]})
    yield {"type": "response.reasoning_summary_part.done", **place, "part": part}


def _part(part: Json, place: Json) -> Iterator[Json]:
    kind = part["type"]
    field = TEXTS.get(kind)
    empty = part if field is None else {**part, field: ""}
    more: Json = {}
    if kind == "output_text":
        empty |= {"annotations": [], "logprobs": []}
        more = {"logprobs": part.get("logprobs") or []}
    yield {"type": "response.content_part.added", **place, "part": empty}
    if field is not None:
        yield from _text(kind, part[field], place, {field: part[field]}, more)
    for number, annotation in enumerate(part.get("annotations") or ()):
        yield {
            "type": "response.output_text.annotation.added",
            **place,
            "annotation_index": number,
            "annotation": annotation,
        }
    yield {"type": "response.content_part.done", **place, "part": part}


def _text(kind: str, text: str, place: Json, done: Json, more: Any = None) -> Iterator[Json]:
    """Yield the events of one text; both the delta and the end have the fields of `more`."""
    more = more or {}
    if text:
        yield {"type": f"response.{kind}.delta", **place, "delta": text, **more}
    yield {"type": f"response.{kind}.done", **place, **done, **more}
