"""What a server must be given back with the next turn, beside what it said for all to read.

Servers of reasoning models want their own words back: the reasoning under the name that they gave
it, and signatures that only they can read, of a message or of one call. Responses have one place
for that, a reasoning item's `encrypted_content`: the gateway seals there what the client must bring
back. Nothing of it goes to a server other than the one that it came from.

Sources: DeepSeek's and Moonshot's guides to thinking with tools (`reasoning_content`), Google's
"Thought signatures" (`extra_content.google.thought_signature`), OpenRouter's "Preserving reasoning
blocks" (`reasoning_details`), LiteLLM's `thinking_blocks` and `provider_specific_fields`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from gateway.shapes import Json
from gateway.translate.contract import Context, Report

TURN = "turn"
"""The `kind` of sealed content that belongs to a turn of the assistant's."""

THINKING = "thinking"
"""Stands for reasoning in a content part of that type, as Mistral has it."""

TEXT_FIELDS = ("reasoning_content", "reasoning", THINKING)

REQUIRED = "reasoning_content"
"""What servers call the reasoning that demand it with every call."""

_MESSAGE_FIELDS = ("reasoning_details", "thinking_blocks", "extra_content")
_CALL_FIELDS = ("extra_content", "provider_specific_fields", "thought_signature")

_TEXT_OF_DETAIL = {
    "reasoning.text": "text",
    "reasoning.summary": "summary",
    "thinking": "thinking",
}
"""The field of a detail that a stream gives in pieces, by the detail's type."""


def fields_of_message(message: Json) -> Json:
    """Return the fields of a chat message, or a delta of one, that go back as they are."""
    return {
        name: value
        for name in _MESSAGE_FIELDS
        if name in message and (value := _unmarked(name, message[name]))
    }


def fields_of_call(call: Json) -> Json:
    """Return the fields of a tool call, or of a piece of one, that go back as they are."""
    return {name: call[name] for name in _CALL_FIELDS if call.get(name)}


def _unmarked(name: str, value: object) -> object:
    """Return a field without Gemini's mark of thoughts, which is of one delta's text alone."""
    google = value.get("google") if isinstance(value, dict) else None
    if name != "extra_content" or not isinstance(google, dict) or "thought" not in google:
        return value
    kept = {key: each for key, each in google.items() if key != "thought"}
    return {"google": kept} if kept else None


def merge(known: Json, more: Mapping[str, object]) -> None:
    """Add fields to those of the same message or call: texts and lists go on, objects are joined.

    Nothing of `more` is changed, now or later.
    """
    for name, value in more.items():
        before = known.get(name)
        if name in TEXT_FIELDS and isinstance(value, str) and isinstance(before, str):
            known[name] = before + value
        elif isinstance(value, list):
            known[name] = _details(before if isinstance(before, list) else [], value)
        else:
            known[name] = _joined(before, value, _DEPTH)


_DEPTH = 3
"""How deep objects are joined: `extra_content.google` is the second level."""


def _joined(before: object, value: object, depth: int) -> object:
    if not (depth and isinstance(before, dict) and isinstance(value, dict)):
        return value
    joined = dict(before)
    for name, inner in value.items():
        joined[name] = _joined(before.get(name), inner, depth - 1)
    return joined


def _details(known: list[object], more: list[object]) -> list[object]:
    """Return a list that goes on: a piece of a text joins the detail that it is a piece of."""
    joined = list(known)
    for detail in more:
        last = joined[-1] if joined else None
        if isinstance(detail, dict) and isinstance(last, dict) and _goes_on(last, detail):
            text = _TEXT_OF_DETAIL[detail["type"]]
            said = {key: value for key, value in detail.items() if value not in (None, "")}
            joined[-1] = {**last, **said, text: (last.get(text) or "") + (detail.get(text) or "")}
        else:
            joined.append(detail)
    return joined


def _goes_on(last: Json, detail: Json) -> bool:
    kind = detail.get("type")
    if not isinstance(kind, str) or kind not in _TEXT_OF_DETAIL or last.get("signature"):
        return False
    texts = (each.get(_TEXT_OF_DETAIL[kind]) for each in (last, detail))
    same = all(last.get(key) == detail.get(key) for key in ("type", "index"))
    return same and all(text is None or isinstance(text, str) for text in texts)


@dataclass(slots=True)
class Returned:
    """What a reasoning item has brought back: fields of a message, and of its calls by call id."""

    message: Json = field(default_factory=dict)
    calls: dict[str, Json] = field(default_factory=dict)
    goes_on: bool = False
    """Whether it came in the middle of a message: what was said before it goes on behind it."""

    @property
    def has_text(self) -> bool:
        """Whether there is reasoning in it."""
        return any(name in self.message for name in TEXT_FIELDS)


def returned(item: Json, path: str, context: Context, report: Report) -> Returned:
    """Return what a checked reasoning item gives back to the server that is asked.

    That is what this gateway has sealed for this server, or else the text, if the server has a
    place for any. Sealed content of anybody else is dropped and reported, and so is an item of
    which nothing is left.
    """
    sealed: Json | None = None
    if item.get("encrypted_content") and context.seal is not None:
        sealed = context.seal.open(item["encrypted_content"])
    if sealed is not None and sealed["kind"] == TURN and _is_for(sealed, context):
        # What was sealed by an earlier release does not say whether it goes on.
        return Returned(sealed["message"], sealed["calls"], sealed.get("goes_on", False))
    name = context.capabilities.reasoning_field
    text, summary = (_text(item, form) for form in ("content", "summary"))
    told = text or summary or _sealed_text(sealed)
    if name is None or not told:
        report.drop(path)
        return Returned()
    if text and summary:
        report.drop(f"{path}.summary")
    if item.get("encrypted_content"):
        report.drop(f"{path}.encrypted_content")
    return Returned({name: told})


def put_reasoning(message: Json, context: Context, report: Report) -> None:
    """Put the reasoning of a finished message where its server looks for it."""
    if THINKING in message:
        text = {"type": "text", "text": message[THINKING]}
        thought = {"type": "thinking", "thinking": [text]}
        said = message["content"]
        parts = [{"type": "text", "text": said}] if isinstance(said, str) else []
        message["content"] = [thought, *parts]
        del message[THINKING]
    elif (
        context.capabilities.reasoning_required
        and "tool_calls" in message
        and not any(name in message for name in TEXT_FIELDS)
    ):
        message[REQUIRED] = ""
        report.change(REQUIRED, "none", "empty")


def _is_for(sealed: Json, context: Context) -> bool:
    return context.capabilities.takes_back and sealed["upstream"] == context.upstream


def _text(item: Json, form: Literal["content", "summary"]) -> str:
    parts = (part["text"] for part in item.get(form, ()))
    return ("" if form == "content" else "\n\n").join(parts)


def _sealed_text(sealed: Json | None) -> str:
    """Return the reasoning that was sealed for another server, which any model can read."""
    message: Json = sealed["message"] if sealed is not None and sealed["kind"] == TURN else {}
    return next((message[name] for name in TEXT_FIELDS if name in message), "")
