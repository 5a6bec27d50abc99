"""Fields of a chat message or call that its server wants back with the next turn.

Servers of reasoning models want the reasoning back under the name that they gave it, and with it
signatures of a message or a call that only they can read. Responses have one place for these
fields: the `encrypted_content` of a reasoning item, in which the gateway seals them for the client
to send back. They are only ever sent to the server that they came from.

Sources: DeepSeek's and Moonshot's guides to thinking with tools (`reasoning_content`), Google's
"Thought signatures" (`extra_content.google.thought_signature`), OpenRouter's "Preserving reasoning
blocks" (`reasoning_details`), LiteLLM's `thinking_blocks` and `provider_specific_fields`, Copilot's
`reasoning_text` and `reasoning_opaque`.
"""

import re
from collections.abc import Mapping

from gateway.shapes import Json
from gateway.translate.parts.content.texts import REASONING_FIELDS

TURN = "turn"
"""The `kind` of sealed content that belongs to an assistant turn."""

THINKING = "thinking"
"""The gateway's name for reasoning in a content part of that type (Mistral)."""

THINKING_FIELD = "message.thinking"
"""The gateway's name for reasoning in a message's field `thinking` (Ollama, relays of Claude)."""

STAND_INS = frozenset({THINKING, THINKING_FIELD})

_FIELDS_OF_TEXT: Mapping[str, str] = {
    name: THINKING_FIELD if name == THINKING else name for name in REASONING_FIELDS
}
"""The fields of a message with its reasoning, and the gateway's names for them."""

TEXT_FIELDS = (*_FIELDS_OF_TEXT.values(), THINKING)


_GOES_BACK = re.compile(
    "signature|opaque|encrypted|reasoning|think|thought|extra_content|provider_specific",
    re.IGNORECASE,
)
"""Parts of the names of fields that only their server can use."""

_PUBLIC = frozenset(
    {
        *("role", "content", "refusal", "annotations", "audio", "images", "phase"),
        *("tool_calls", "function_call", "name", "index", "id", "type"),
        *("function", "custom", "arguments", "input"),
    }
)
_USUAL = frozenset({"role", "content", "refusal", "tool_calls"})

_TEXT_OF_DETAIL = {
    "reasoning.text": "text",
    "reasoning.summary": "summary",
    "thinking": "thinking",
}
"""The field of a detail that a stream sends in pieces, by the type of the detail."""


def is_given_back(name: str) -> bool:
    """Whether a field of a message or a call goes back to the server that it came from."""
    return name not in _PUBLIC and _GOES_BACK.search(name) is not None


def reasoning_of(message: Json) -> dict[str, str]:
    """Return the reasoning of a chat message or delta, by the gateway's names of its fields.

    Several fields may have the same text (vllm#50624).
    """
    texts: dict[str, str] = {}
    for name, name_here in _FIELDS_OF_TEXT.items():
        value = message.get(name)
        if value and (text := value if isinstance(value, str) else text_within(value)):
            texts[name_here] = text
    return texts


def text_within(value: object) -> str:
    """Return the text of reasoning: a string, a list of parts, or an object with a text."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "".join(map(text_within, value))
    if isinstance(value, dict):
        named = (
            text_within(value.get(name)) for name in ("text", "content", "thinking", "summary")
        )
        return next(filter(None, named), "")
    return ""


def fields_of_message(message: Json) -> Json:
    """Return the fields of a chat message or delta that go back to the server unchanged."""
    carried: Json = {}
    if message.keys() <= _USUAL:
        return carried
    for name, given in message.items():
        value = _unmarked(name, given)
        is_text = isinstance(value, str) and name in _FIELDS_OF_TEXT
        if value and not is_text and is_given_back(name):
            carried[_FIELDS_OF_TEXT.get(name, name)] = value
    return carried


def fields_of_call(call: Json) -> Json:
    """Return the fields of a tool call, or a piece of one, that go back unchanged.

    Fields of its function are included.
    """
    carried: Json = {name: call[name] for name in call if call[name] and is_given_back(name)}
    for kind in ("function", "custom"):
        inner = call.get(kind)
        if isinstance(inner, dict) and not inner.keys() <= _PUBLIC:
            within = fields_of_call(inner)
            carried |= {kind: within} if within else {}
    return carried


def _unmarked(name: str, value: object) -> object:
    """Return a field without Gemini's `thought` mark, which only concerns the text of a delta."""
    google = value.get("google") if isinstance(value, dict) else None
    if name != "extra_content" or not isinstance(google, dict) or "thought" not in google:
        return value
    kept = {key: each for key, each in google.items() if key != "thought"}
    return {"google": kept} if kept else None


def merge(known: Json, more: Mapping[str, object]) -> None:
    """Add fields of a message or call to known ones: texts and lists grow, objects are merged.

    `more` itself is never changed.
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
"""The depth to which objects are merged: `extra_content.google` is the second level."""


def _joined(before: object, value: object, depth: int) -> object:
    if not (depth and isinstance(before, dict) and isinstance(value, dict)):
        return value
    joined = dict(before)
    for name, inner in value.items():
        joined[name] = _joined(before.get(name), inner, depth - 1)
    return joined


def _details(known: list[object], more: list[object]) -> list[object]:
    """Return a list with more entries; a piece of a text is joined to the entry it continues."""
    joined = list(known)
    for detail in more:
        last = joined[-1] if joined else None
        if isinstance(detail, dict) and isinstance(last, dict) and _goes_on(last, detail):
            text = _TEXT_OF_DETAIL[detail["type"]]
            news = {key: value for key, value in detail.items() if value not in (None, "")}
            joined[-1] = {**last, **news, text: (last.get(text) or "") + (detail.get(text) or "")}
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
