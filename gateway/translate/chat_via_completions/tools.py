"""The tools of a chat request, which no prompt can hold."""

from collections.abc import Sequence

from gateway.shapes import Json
from gateway.translate.draft import Draft


def tools(draft: Draft) -> None:
    """Refuse tools, unless the client says that none may be called.

    The model could be shown them, but its calls would have to be found in free text.
    """
    for definitions, choice in (("tools", "tool_choice"), ("functions", "function_call")):
        chosen = draft.client.get(choice, "auto")
        if _left(draft, definitions):
            if chosen == "none":
                draft.report.drop(definitions)
            else:
                draft.refuse(definitions)
        if chosen not in ("none", "auto"):
            draft.refuse(choice)
    if draft.client.get("parallel_tool_calls") is False:
        draft.report.drop("parallel_tool_calls")


def _left(draft: Draft, definitions: str) -> bool:
    """Whether there are tools, once those that a server would run are left out (`hosted_tools`)."""
    declared: Sequence[Json] = draft.client.get(definitions, ())
    if draft.context.settings.hosted_tools == "refuse":
        return bool(declared)
    kinds = [tool.get("type", "function") for tool in declared]
    for position, kind in enumerate(kinds):
        if kind not in ("function", "custom"):
            draft.report.drop(f"{definitions}[{position}]")
    return "function" in kinds or "custom" in kinds
