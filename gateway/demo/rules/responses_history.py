"""What the items of a request to /v1/responses must be to one another."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from gateway.demo.generation.answer import Json
from gateway.demo.refusals import Refused

_CALLS = {"function_call": "function call", "custom_tool_call": "custom tool call"}
_OUTPUTS = {f"{kind}_output": f"{words} output" for kind, words in _CALLS.items()}
_ASKED = (*_OUTPUTS, "tool_search_output", "additional_tools", "compaction_trigger")
"""Items of the client, none of which a model writes after its reasoning."""


def check_outputs(items: Sequence[Json]) -> None:
    """Refuse outputs without a call, and a compaction trigger that is not the last item."""
    called = {item["call_id"] for item in items if item.get("type") in _CALLS}
    for place, item in enumerate(items):
        kind = item.get("type")
        if kind in _OUTPUTS and item["call_id"] not in called:
            raise _refused(
                f"No tool call found for {_OUTPUTS[kind]} with call_id {item['call_id']}."
            )
        if kind == "compaction_trigger" and place < len(items) - 1:
            raise Refused(
                400,
                f"Invalid 'input[{place}]': 'compaction_trigger' must be the last item.",
                param=f"input[{place}]",
                code="invalid_value",
            )


def check_history(items: Sequence[Json]) -> None:
    """Refuse calls without an output, reasoning that leads to nothing, and an item twice.

    Raises `Refused`.
    """
    seen: set[str] = set()
    for known_as in _ids(items):
        if known_as in seen:
            raise _refused(
                f"Duplicate item found with id {known_as}. Remove duplicate items from your input"
                " and try again."
            )
        seen.add(known_as)
    answered = {item["call_id"] for item in items if item.get("type") in _OUTPUTS}
    for item in items:
        words = _CALLS.get(item.get("type", ""))
        if words and item["call_id"] not in answered:
            raise _refused(f"No tool output found for {words} {item['call_id']}.")
    for item, following in pairwise([*items, {"role": "user"}]):
        if item.get("type") == "reasoning" and item.get("id") and not _is_written(following):
            raise _refused(
                f"Item '{item['id']}' of type 'reasoning' was provided without its required"
                " following item."
            )


def _ids(items: Sequence[Json]) -> Iterator[str]:
    return (item["id"] for item in items if item.get("id"))


def _is_written(item: Json) -> bool:
    """Whether an item is one that a model writes."""
    return item.get("role", "assistant") == "assistant" and item.get("type") not in _ASKED


def _refused(message: str) -> Refused:
    return Refused(400, message, param="input")
