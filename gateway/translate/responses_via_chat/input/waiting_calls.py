"""Finds the call that an output of a responses request belongs to."""

from collections import defaultdict
from typing import Generic, Protocol, TypeVar

from gateway.errors import InvalidRequest
from gateway.shapes import Json


class Answerable(Protocol):
    """A call that may have its output already."""

    @property
    def output(self) -> object | None:
        """The output; None: it has not come."""


Call = TypeVar("Call", bound=Answerable)


_ALSO_NAMELESS = ("tool_search_call", "local_shell_call")
"""The types of calls whose outputs may have no id (`schema/responses_input.py`)."""


class WaitingCalls(Generic[Call]):
    """The calls read so far, by the ids that their outputs use.

    The id is a `call_id`, which may be used again once its call has an output. The items of a tool
    search need none (schema `ToolSearchOutputItemParam`): an output without one belongs to the
    first search without an output.
    """

    def __init__(self) -> None:
        self._by_id: defaultdict[str, list[Call]] = defaultdict(list)
        self._by_type: defaultdict[str, list[Call]] = defaultdict(list)

    def add(self, call: Call, item: Json) -> None:
        """Add a call and its item."""
        kind = item["type"]
        if "call_id" in item:
            self._by_id[item["call_id"]].append(call)
        if kind not in _ALSO_NAMELESS:
            return
        if kind == "local_shell_call" and "id" in item:
            # OpenAI's description: its output has this id.
            self._by_id[item["id"]].append(call)
        self._by_type[kind].append(call)

    def answered(self, item: Json, path: str) -> Call:
        """Return the call that the output at `path` belongs to; raises `InvalidRequest`."""
        name = item.get("call_id")
        if name is None and item["type"] == "local_shell_call_output":
            name = item.get("id")
        if name is not None:
            known = self._by_id.get(name)
        else:
            known = self._by_type.get(item["type"].removesuffix("_output") + "_call")
        while known:
            if known[0].output is None:
                return known[0]
            del known[0]
        named = "" if name is None else f" with call_id {name[:100]}"
        raise InvalidRequest(
            f"No tool call found for function call output{named}. "
            "Send the call's item before its output.",
            param=path,
            code="invalid_value",
        )
