"""Compaction for models without it: the model writes a summary, and the gateway seals it.

A request whose input ends in a `compaction_trigger` gets one output item, of the type `compaction`,
with content that only the gateway can read. In later turns the item becomes a message with the
summary. (The contract is Codex's: openai/codex#22809.)
"""

from typing import Final

from gateway.errors import InvalidRequest
from gateway.shapes import Json
from gateway.translate.contract import Context

KIND: Final = "compaction"
"""The `kind` of the sealed content, and the item's type."""

TRIGGER: Final = "compaction_trigger"

REQUEST: Final = (
    "Sum up the conversation so far for the assistant that will continue it and sees nothing else "
    "of it. Keep what the user wants and has decided, what was found out and done and with which "
    "results, names, paths, identifiers, figures and code that are still needed as they are, and "
    "what is left to do. Answer with the summary alone, and call no tools."
)
"""The prompt that replaces the trigger."""

INTRODUCTION: Final = "Summary of the conversation before this message:\n\n"
"""The text that precedes the summary in later turns."""

_FORM = ("response_format", "logprobs", "top_logprobs", "verbosity")


def is_wanted(client: Json, context: Context) -> bool:
    """Whether a checked request asks for a compaction, and there is a seal for it.

    Raises `InvalidRequest` for a trigger that is not the last item.
    """
    given = client.get("input")
    items = given if isinstance(given, list) else []
    triggers = [position for position, item in enumerate(items) if item["type"] == TRIGGER]
    if not triggers:
        return False
    param = f"input[{triggers[0]}]"
    if triggers != [len(items) - 1]:
        raise InvalidRequest(
            f"'{param}' is a {TRIGGER}, which must be the last item.",
            param=param,
            code="invalid_value",
        )
    return context.seal is not None


def without_form(upstream: Json) -> Json:
    """Return a chat request for a reply of text only: without an output format or tool calls.

    The tools stay, for the prompt cache, and because servers refuse a conversation with calls if
    the request has no tools.
    """
    text_only = {name: value for name, value in upstream.items() if name not in _FORM}
    return {**text_only, "tool_choice": "none"} if "tools" in text_only else text_only


def summary_of(item: Json, context: Context) -> str | None:
    """Return the text of the message for a compaction item; None: it cannot be opened here."""
    sealed = item.get("encrypted_content")
    if context.seal is None or not isinstance(sealed, str):
        return None
    content = context.seal.open(sealed)
    if content is None or content["kind"] != KIND:
        return None
    return INTRODUCTION + str(content["text"])
