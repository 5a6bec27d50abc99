"""Tools of responses requests, and the chat tools that become of them."""

from gateway.shapes import Json

EMPTY = {"type": "object", "properties": {}}
F = {"type": "function", "name": "f", "parameters": EMPTY, "strict": False}
G = {**F, "name": "g"}
CHAT_F = {"type": "function", "function": {"name": "f", "parameters": EMPTY, "strict": False}}
CHAT_G = {"type": "function", "function": {"name": "g", "parameters": EMPTY, "strict": False}}
PATCH = {"type": "custom", "name": "patch", "description": "Patches."}
WEB_SEARCH = {"type": "web_search"}
DROP = {"hosted_tools": "drop"}


def named(name: str, kind: str = "function") -> Json:
    return {"type": kind, "name": name}


def chat_named(name: str) -> Json:
    return {"type": "function", "function": {"name": name}}


LOCAL_SHELL = {"type": "local_shell"}
SHELL = {"type": "shell"}
APPLY = {"type": "apply_patch"}
SEARCH = {
    "type": "tool_search",
    "execution": "client",
    "description": "Searches.",
    "parameters": {"type": "object", "properties": {"query": {"type": "string"}}},
}
