"""One chat delta, read from all the forms in which servers send it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from gateway.shapes import Json
from gateway.translate.parts.blank import is_blank
from gateway.translate.parts.content.images import images_of, unknown_parts, url_of
from gateway.translate.parts.content.sources import sources_within
from gateway.translate.parts.content.texts import refusal_in, text_of, thinking_of
from gateway.translate.parts.fields import finite_number
from gateway.translate.parts.tools.calls import MAX_CALL_ID, arguments_text, says_nothing
from gateway.translate.parts.upstream_errors import malformed_chat
from gateway.translate.responses_via_chat.deltas.reasoning_fields import (
    THINKING,
    fields_of_call,
    fields_of_message,
    reasoning_of,
)
from gateway.translate.stream.reply_choices import delta_of, index_in

_FILE_CITATIONS = ("file_citation", "container_file_citation", "file_path")
_LARGEST = 2**53
"""The largest whole number that every JSON reader keeps exact."""


@dataclass(frozen=True, slots=True)
class CallFragment:
    """A piece of a tool call; missing fields are empty, a missing index is None."""

    index: int | None
    call_id: str
    name: str
    text: str
    custom: bool
    carried: Json
    """The other fields of the call that go back to the server."""


@dataclass(frozen=True, slots=True)
class Delta:
    """A delta, or a whole message in the form of one."""

    reasoning: str
    reasoning_names: Sequence[str]
    """The server's names for the reasoning: more than one if it sends it twice."""
    carried: Json
    """The other fields of the message that go back to the server."""
    content: str
    refusal: str
    annotations: list[Any]
    calls: list[CallFragment]
    images: list[str]
    """The URLs of pictures."""
    unknown_parts: list[Json]
    """Content parts that are neither text nor pictures."""
    audio: Json
    phase: str
    sources: Json
    """Sources, in fields that chat does not have."""

    @property
    def transcript(self) -> str:
        """The transcript of its audio; empty if it has none."""
        said = self.audio.get("transcript")
        return said if isinstance(said, str) else ""

    @property
    def hidden(self) -> bool:
        """Whether the delta has reasoning or calls, which are not visible text."""
        return bool(self.reasoning or self.calls)

    @property
    def length(self) -> int:
        """The number of characters of the delta's texts, with the arguments of calls."""
        total = len(self.reasoning) + len(self.content) + len(self.refusal) + len(self.transcript)
        for other in (self.carried, self.unknown_parts):
            if other:
                total += len(msgspec.json.encode(other))
        total += sum(map(len, self.images))
        return total + sum(len(fragment.text) for fragment in self.calls)


def read_delta(choice: Json) -> Delta:
    """Return the delta of a chunk's choice; raises `UpstreamError` for a malformed one."""
    delta = delta_of(choice)
    audio, phase = delta.get("audio") or {}, delta.get("phase")
    if not isinstance(audio, dict):
        raise malformed_chat("'audio' is not an object")
    content = delta.get("content")
    thinking = ""
    if isinstance(content, list):
        content, thinking = text_of(content), thinking_of(content)
    named = reasoning_of(delta)
    calls = calls_of(delta)
    if not calls:
        # Beside `tool_calls`, a `function_call` repeats one of them.
        calls = old_calls_of(delta)
    return Delta(
        reasoning=next(iter(named.values()), thinking),
        reasoning_names=tuple(named) or (THINKING,),
        carried=fields_of_message(delta),
        content=_text(content, "content"),
        refusal=_text(refusal_in(delta), "refusal"),
        annotations=[*_list_of(delta, "annotations"), *_list_of(delta, "file_citations")],
        calls=[call_fragment(call) for call in calls],
        images=[url_of(entry) for entry in images_of(delta)],
        unknown_parts=unknown_parts(delta),
        audio={} if is_blank(audio) else audio,
        phase=phase if isinstance(phase, str) else "",
        sources=sources_within(delta) | sources_within(choice),
    )


def _text(value: object, name: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise malformed_chat(f"'{name}' is not a string")
    return value


def _list_of(delta: Json, name: str) -> list[Any]:
    value = delta.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise malformed_chat(f"'{name}' is not a list")
    return value


def calls_of(delta: Json) -> list[Any]:
    """Return the tool calls of a delta, without empty ones; raises `UpstreamError`.

    TGI 2 streams a single call in place of a list.
    """
    calls = delta.get("tool_calls")
    listed = [calls] if isinstance(calls, dict) else _list_of(delta, "tool_calls")
    return [call for call in listed if not says_nothing(call)]


def old_calls_of(delta: Json) -> list[Any]:
    """Return the `function_call` of a delta as a list of calls."""
    called = delta.get("function_call")
    return [] if is_blank(called) else [{"index": 0, "function": called}]


def call_fragment(call: object) -> CallFragment:
    """Return a piece of a tool call; raises `UpstreamError` for a malformed one."""
    if not isinstance(call, dict):
        raise malformed_chat("a tool call is not an object")
    inner, custom = _inner_of(call)
    if not isinstance(inner, dict):
        raise malformed_chat("a tool call's 'function' is not an object")
    given = call.get("id")
    # TGI has sent numbers as ids.
    call_id = str(given) if type(given) is int else _text(given, "id")
    carried = fields_of_call(call)
    if len(call_id) > MAX_CALL_ID:
        # The client gets a shorter id; LiteLLM puts signatures into ids (`__thought__`).
        carried["id"] = call_id
    return CallFragment(
        index=index_in(call),
        call_id=call_id,
        name=_text(inner.get("name"), "name"),
        text=arguments_text(inner.get("input" if custom else "arguments")),
        custom=custom,
        carried=carried,
    )


def _inner_of(call: Json) -> tuple[object, bool]:
    """Return the object with a call's name and text, and whether its tool is a custom one."""
    given, function = call.get("custom"), call.get("function")
    if isinstance(given, dict) and (function is None or not is_blank(given)):
        return given, True
    # Some relays do not nest the fields, as in responses.
    return call if function is None else function, False


def annotation_of(annotation: object) -> Json | None:
    """Return a citation in the flat form of responses; None if the value is no citation.

    Chat documents citations of web pages. Other citations come in the same form, and from some
    servers all come in the form of responses.
    """
    if not isinstance(annotation, dict):
        return None
    for kind in _FILE_CITATIONS:
        if annotation.get("type") == kind:
            cited = annotation.get(kind, annotation)
            return {**cited, "type": kind} if isinstance(cited, dict) else None
    citation = annotation.get("url_citation")
    if citation is None and annotation.get("type") == "url_citation":
        citation = annotation
    if not isinstance(citation, dict) or not isinstance(citation.get("url"), str):
        return None
    title = citation.get("title")
    return {
        "type": "url_citation",
        "url": citation["url"],
        "start_index": _position(citation.get("start_index")),
        "end_index": _position(citation.get("end_index")),
        "title": title if isinstance(title, str) else "",
    }


def _position(value: object) -> int:
    number = finite_number(value) or 0
    return int(number) if 0 <= number <= _LARGEST else 0
