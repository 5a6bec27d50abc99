"""The parameter that an error of Anthropic's API is about, which only its message names.

The message begins with a path whose steps are joined by dots, `messages.3.content.0.source: Field
required`, or with a name in backticks or quotation marks. Sources: errors in the threads
hermes-agent#11137, sub2api#2320, Antigravity-Manager#270, claude-code#21612, and the SDK's
`anthropic/types`.
"""

import re
from typing import NamedTuple

from gateway.shapes import Json

_PARAMETERS = frozenset(
    {
        *("cache_control", "container", "context_management", "diagnostics", "inference_geo"),
        *("max_tokens", "mcp_servers", "messages", "metadata", "model", "output_config"),
        *("output_format", "service_tier", "speed", "stop_sequences", "stream", "system"),
        *("temperature", "thinking", "tool_choice", "tools", "top_k", "top_p"),
    }
)
_UNKNOWN = "Extra inputs are not permitted"
_PATH = re.compile(r"([a-z_]\w{0,63}(?:\.\w{1,64}){0,15}): ")
_QUOTED = re.compile(r"""[`"]([a-z_]\w{0,63})(?:\.\w{1,64}){0,15}[`"] """)


class Named(NamedTuple):
    """A parameter by its path with brackets, and whether the server does not know it."""

    path: str
    is_unknown: bool = False


def is_anthropics(body: object) -> bool:
    """Whether a decoded body, or an event, is an error in Anthropic's envelope.

    The nested `error` event of OpenAI's responses is alike, but for its `code` and `param`.
    """
    if not isinstance(body, dict) or body.get("type") != "error":
        return False
    error = body.get("error")
    return isinstance(error, dict) and not {"code", "param"} & error.keys()


def named_in(error: Json) -> Named | None:
    """Return the parameter that the message of an error names; None: it names none."""
    message = error.get("message")
    if not isinstance(message, str):
        return None
    found = _PATH.match(message)
    if found is None:
        quoted = _QUOTED.match(message)
        return Named(quoted[1]) if quoted is not None and quoted[1] in _PARAMETERS else None
    first, *steps = found[1].split(".")
    is_unknown = message.startswith(_UNKNOWN, found.end())
    if first not in _PARAMETERS and not is_unknown:
        return None
    rest = (f"[{step}]" if step.isdecimal() else f".{step}" for step in steps)
    return Named(first + "".join(rest), is_unknown)
