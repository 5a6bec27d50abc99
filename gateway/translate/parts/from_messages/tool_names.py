"""Names of tools that are longer than OpenAI's endpoints take."""

import hashlib

from gateway.translate.parts.tools.namespaces import MAX_TOOL_NAME

_KEPT = MAX_TOOL_NAME - len("_01234567")


def sent_name(name: str) -> str:
    """Return the name under which a tool is sent: a longer one is cut, with a hash behind it.

    The names of MCP tools (`mcp__server__tool`) may have 128 characters. The same name gives the
    same one in every turn and process.
    """
    if len(name) <= MAX_TOOL_NAME:
        return name
    digest = hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()
    return f"{name[:_KEPT]}_{digest[:8]}"
