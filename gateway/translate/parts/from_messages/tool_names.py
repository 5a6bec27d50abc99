"""Names of tools that are longer than OpenAI's endpoints take."""

from gateway.translate.parts.tools.hashed_names import hashed_name
from gateway.translate.parts.tools.namespaces import MAX_TOOL_NAME

_KEPT = MAX_TOOL_NAME - len("_01234567")


def sent_name(name: str) -> str:
    """Return the name under which a tool is sent: a longer one is cut, with a hash after it.

    The names of MCP tools (`mcp__server__tool`) may have 128 characters. The same name gives the
    same one in every turn and process.
    """
    return name if len(name) <= MAX_TOOL_NAME else hashed_name(name[:_KEPT], name)
