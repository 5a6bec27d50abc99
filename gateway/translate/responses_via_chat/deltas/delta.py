"""What one chat delta says, read from the forms that servers give it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from gateway.errors import UpstreamError
from gateway.shapes import Json
from gateway.translate.parts.content.images import images_of, unknown_parts, url_of
from gateway.translate.parts.content.sources import sources_within
from gateway.translate.parts.content.texts import refusal_in, text_of, thinking_of
from gateway.translate.parts.fields import finite_number
from gateway.translate.parts.tools.calls import MAX_CALL_ID, arguments_text
from gateway.translate.responses_via_chat.deltas.carried import (
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
    """A piece of a tool call; what it does not say is empty, an unsaid index None."""

    index: int | None
    call_id: str
    name: str
    text: str
    custom: bool
    carried: Json
    """What goes back to the server with the call, beside what is said of it here."""


@dataclass(frozen=True, slots=True)
class Delta:
    """A delta, or a whole message as one."""

    reasoning: str
    reasoning_names: Sequence[str]
    """What the server calls the reasoning: more than one name if it gives it twice."""
    carried: Json
    """What goes back to the server with the message, beside what is said here."""
    content: str
    refusal: str
    annotations: list[Any]
    calls: list[CallFragment]
    images: list[str]
    """The URLs of pictures."""
    unknown_parts: list[Json]
    """Parts of the content that are neither text nor a picture."""
    audio: Json
    phase: str
    sources: Json
    """What it says of sources, in fields that chat does not know."""

    @property
    def hidden(self) -> bool:
        """Whether it has reasoning or calls, which are no visible text."""
        return bool(self.reasoning or self.calls)

    @property
    def length(self) -> int:
        """How many characters of text it has; those of calls as they are written in JSON."""
        said = len(self.reasoning) + len(self.content) + len(self.refusal)
        for other in (self.carried, self.unknown_parts):
            if other:
                said += len(msgspec.json.encode(other))
        said += sum(map(len, self.images))
        return said + sum(len(fragment.text) for fragment in self.calls)


def read_delta(choice: Json) -> Delta:
    """Return what a chunk's choice says; raises `UpstreamError` if it is no delta."""
    delta = delta_of(choice)
    audio, phase = delta.get("audio") or {}, delta.get("phase")
    if not isinstance(audio, dict):
        raise malformed("'audio' is not an object")
    content = delta.get("content")
    thoughts = ""
    if isinstance(content, list):
        content, thoughts = text_of(content), thinking_of(content)
    named = reasoning_of(delta)
    calls = calls_of(delta)
    if not calls:
        # Beside tool calls it says one of them again.
        calls = old_calls_of(delta)
    return Delta(
        reasoning=next(iter(named.values()), thoughts),
        reasoning_names=tuple(named) or (THINKING,),
        carried=fields_of_message(delta),
        content=_text(content, "content"),
        refusal=_text(refusal_in(delta), "refusal"),
        annotations=[*_list_of(delta, "annotations"), *_list_of(delta, "file_citations")],
        calls=[call_fragment(call) for call in calls],
        images=[url_of(entry) for entry in images_of(delta)],
        unknown_parts=unknown_parts(delta),
        audio=audio,
        phase=phase if isinstance(phase, str) else "",
        sources=sources_within(delta) | sources_within(choice),
    )


def _text(value: object, name: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise malformed(f"'{name}' is not a string")
    return value


def _list_of(delta: Json, name: str) -> list[Any]:
    value = delta.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise malformed(f"'{name}' is not a list")
    return value


def calls_of(delta: Json) -> list[Any]:
    """Return the tool calls of a delta, without those that are null; raises `UpstreamError`."""
    return [call for call in _list_of(delta, "tool_calls") if call is not None]


def old_calls_of(delta: Json) -> list[Any]:
    """Return what a delta has of a `function_call`, as calls."""
    called = delta.get("function_call")
    return [] if called is None else [{"index": 0, "function": called}]


def call_fragment(call: object) -> CallFragment:
    """Return a piece of a tool call; raises `UpstreamError` for what is none."""
    if not isinstance(call, dict):
        raise malformed("a tool call is not an object")
    custom = isinstance(call.get("custom"), dict)
    inner = call.get("custom") if custom else call.get("function")
    if inner is None:
        # Some relays leave out the nesting, as responses do.
        inner = call
    if not isinstance(inner, dict):
        raise malformed("a tool call's 'function' is not an object")
    call_id = _text(call.get("id"), "id")
    carried = fields_of_call(call)
    if len(call_id) > MAX_CALL_ID:
        # The client is shown a shorter one; LiteLLM keeps signatures in it (`__thought__`).
        carried["id"] = call_id
    return CallFragment(
        index=index_in(call),
        call_id=call_id,
        name=_text(inner.get("name"), "name"),
        text=arguments_text(inner.get("input" if custom else "arguments")),
        custom=custom,
        carried=carried,
    )


def annotation_of(annotation: object) -> Json | None:
    """Return a citation as responses have it, flat; None for what is none.

    Chat documents those of the web. Others are cited in the same form, and all of them by some
    servers as responses have it.
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


def malformed(what: str) -> UpstreamError:
    """Return the error for an upstream reply that is not what the chat endpoint should give."""
    return UpstreamError(f"The upstream's chat reply cannot be used: {what}.")
