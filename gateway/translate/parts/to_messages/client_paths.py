"""The paths in a chat or responses request of what an error of a messages endpoint names."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from gateway.shapes import Json
from gateway.translate.parts.client_values import below_tool
from gateway.translate.parts.to_messages.conversation import Written

_ROOT = re.compile(r"(\w+)(?:\[([0-9]{1,6})\])?(?:\.(?:custom\.)?(\w+))?")
_OF_TOOLS = {"input_schema": "parameters"}
_ONE_AT_A_TIME = ("disable_parallel_tool_use", "parallel_tool_calls")
"""A parameter that messages have within `tool_choice`, and its name at OpenAI's endpoints."""


@dataclass(frozen=True, slots=True)
class OwnNames:
    """The names that one shape has for the parameters of messages."""

    limit: str
    """The limit of tokens."""
    effort: str
    tools: str
    """The path for a tool whose own path in the client's request is not known."""
    tool_paths: Sequence[str]
    """The path at which the client declared each tool that is sent."""
    tool_kind: Callable[[str], str]
    """Returns the kind of the tool that is declared at a path, for `below_tool`."""
    others: Mapping[str, Sequence[str]]
    """By a parameter's name in messages, the names under which the client may have sent it."""


def client_path(param: str, client: Json, conversation: Written, own: OwnNames) -> str | None:
    """Return the client's path of a parameter of messages; None: it has none."""
    found = _ROOT.match(param)
    root = found[1] if found is not None else ""
    if root in ("messages", "system"):
        return conversation.client_path(param)
    if root == "tools" and found is not None:
        return _tool_path(found, client, own)
    if param.endswith(_ONE_AT_A_TIME[0]) and _ONE_AT_A_TIME[1] in client:
        return _ONE_AT_A_TIME[1]
    if root == "max_tokens":
        # Also if the client has set no limit: then the gateway has.
        return own.limit
    is_effort = root == "thinking" and root not in client
    if is_effort or (root == "output_config" and not param.startswith("output_config.format")):
        # Also if the operator configured it: there is no better name.
        return own.effort
    return next((name for name in own.others.get(root, (root,)) if name in client), None)


def _tool_path(found: re.Match[str], client: Json, own: OwnNames) -> str:
    if found[2] is None or int(found[2]) >= len(own.tool_paths):
        return own.tools
    path = own.tool_paths[int(found[2])]
    if found[3] is None:
        return path
    rest = f".{_OF_TOOLS.get(found[3], found[3])}"
    return below_tool(client, path, own.tool_kind(path), rest)
