"""The messages client's names of parameters that both of OpenAI's endpoints have."""

from gateway.shapes import Json
from gateway.translate.parts.from_messages.parameters import output_format
from gateway.translate.parts.messages.effort import asked_effort


def parameter_path(root: str, client: Json, rest: str = "") -> str | None:
    """Return the client's name of a parameter with `rest` below it; None: the client has none."""
    if root == "reasoning" and "thinking" in client and rest != "effort":
        return _thinking_path(client, rest)
    if root in ("reasoning", "reasoning_effort") and rest != "summary":
        asked = asked_effort(client)
        return None if asked is None else asked.path
    if root == "stop":
        return "stop_sequences" if "stop_sequences" in client else None
    if root == "parallel_tool_calls":
        name = "disable_parallel_tool_use"
        return f"tool_choice.{name}" if name in client.get("tool_choice", {}) else None
    return root if root in client else None


def _thinking_path(client: Json, rest: str) -> str:
    """Return the path of the parameter that asks for a summary of reasoning, or for reasoning."""
    if rest == "summary":
        return "thinking.display"
    asked = asked_effort(client)
    return "thinking" if asked is None else asked.path


def format_path(client: Json, rest: str) -> str | None:
    """Return the path of a field of the output format (`schema.properties`); None: no format."""
    form, path = output_format(client)
    if form is None:
        return None
    return f"{path}.{rest}" if rest.partition(".")[0] == "schema" else path
