"""Refuses the tools of a chat request, which a prompt cannot hold."""

from collections.abc import Sequence

from gateway.shapes import Json
from gateway.translate.draft import Draft


def tools(draft: Draft) -> None:
    """Refuse tools, or drop them if the client allows no calls.

    The prompt could list them, but calls would have to be recognised in free text.
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
    """Whether tools remain once hosted ones are dropped (`hosted_tools`)."""
    declared: Sequence[Json] = draft.client.get(definitions, ())
    if draft.context.settings.hosted_tools == "refuse":
        return bool(declared)
    kinds = [tool.get("type", "function") for tool in declared]
    for position, kind in enumerate(kinds):
        if kind not in ("function", "custom"):
            draft.report.drop(f"{definitions}[{position}]")
    return "function" in kinds or "custom" in kinds
