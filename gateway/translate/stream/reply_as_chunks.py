"""A whole reply of chat or completions as the chunks of OpenAI's own stream.

For clients of such an endpoint: programs read the role in a choice's first chunk, its end in the
last one, one choice per chunk, and the usage in a chunk without choices that they have asked for.
"""

from typing import Final

from gateway.shapes import Json

_ON_EACH: Final = frozenset(
    {"id", "object", "created", "model", "system_fingerprint", "service_tier"}
)
_OF_MESSAGES: Final = ("content", "refusal")


def as_chunks(event: Json, *, with_usage: bool) -> list[Json]:
    """Return the chunks of one event that has a whole reply; see `whole_as_event`.

    Fields that no endpoint documents are in the last chunk of a choice. An event with an error
    stays as it is.
    """
    choices = event["choices"]
    if not choices or event.get("error") or any(choice.get("error") for choice in choices):
        return [event]
    usage = event.get("usage")
    head = {name: value for name, value in event.items() if name in _ON_EACH}
    if with_usage:
        head["usage"] = None
    chunks = [{**head, "choices": [part]} for choice in choices for part in _parts(choice)]
    known = {"choices", "usage", *_ON_EACH}
    chunks[-1].update({name: value for name, value in event.items() if name not in known})
    if with_usage and usage is not None:
        chunks.append({**head, "choices": [], "usage": usage})
    return chunks


def _parts(choice: Json) -> list[Json]:
    """Return a choice in parts: its role, its content, and its end."""
    if "delta" not in choice:
        return [choice]
    said = {name: value for name, value in choice["delta"].items() if value is not None}
    role = said.pop("role", "assistant")
    place: Json = {"index": choice.get("index", 0)}
    text = None if choice["delta"].get("content") is None else ""
    begun = {"delta": {"role": role, "content": text, "refusal": None}, "logprobs": None}
    parts = [{**place, **begun, "finish_reason": None}]
    said = {name: value for name, value in said.items() if value or name not in _OF_MESSAGES}
    if said:
        logprobs = choice.get("logprobs")
        parts.append({**place, "delta": said, "logprobs": logprobs, "finish_reason": None})
    return [*parts, {**choice, "delta": {}, "logprobs": None}]
