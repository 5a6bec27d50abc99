"""Tool names that are too long for OpenAI's endpoints."""

from gateway.translate.parts.tools.hashed_names import hashed_name
from gateway.translate.parts.tools.namespaces import MAX_TOOL_NAME

_KEPT = MAX_TOOL_NAME - len("_01234567")


def sent_name(name: str) -> str:
    """Return the name under which a tool is sent: a longer name is cut, and a hash appended.

    The names of MCP tools (`mcp__server__tool`) may have 128 characters. The same name is cut in
    the same way in every turn and process.
    """
    return name if len(name) <= MAX_TOOL_NAME else hashed_name(name[:_KEPT], name)
