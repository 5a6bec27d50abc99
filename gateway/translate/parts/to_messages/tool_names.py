"""Names of tools that Anthropic takes: up to 128 letters, digits, `_` and `-`."""

import re

from gateway.translate.parts.tools.hashed_names import UNSAFE, hashed_name

_SAFE = re.compile(r"[a-zA-Z0-9_-]{1,128}")
_LONGEST = 128
_KEPT = _LONGEST - len("_01234567")


def is_safe_name(name: str) -> bool:
    """Whether a tool may have this name. Nearly all are letters, digits and underscores."""
    if name.isidentifier() and name.isascii():
        return len(name) <= _LONGEST
    return _SAFE.fullmatch(name) is not None


def safe_tool_name(name: str) -> str:
    """Return the name under which a tool is sent; other characters become `_`, and a hash follows.

    Clients of OpenAI's API that run MCP tools call them `server.tool` or `server/tool`, which other
    servers take. The same name becomes the same safe name in every turn and process.
    """
    if not name or is_safe_name(name):
        return name
    return hashed_name(UNSAFE.sub("_", name)[:_KEPT], name)
