"""Compaction for models that have none: the model sums the conversation up, and that is sealed.

A request whose input ends in a `compaction_trigger` gets one output item, of the type `compaction`,
whose content only the gateway can read. In a later turn the item is a message with the summary.
(The contract is Codex's: openai/codex#22809.)
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
"""What the model is asked in the trigger's place."""

INTRODUCTION: Final = "Summary of the conversation before this message:\n\n"
"""What stands before the summary in later turns."""

_MEANT_FOR_TEXTS = ("response_format", "logprobs", "top_logprobs", "verbosity")


def is_wanted(client: Json, context: Context) -> bool:
    """Whether a checked request asks for a compaction that can be made.

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
    """Return a chat request whose reply is plain text: no tool is called, no format kept to.

    The tools stay, because conversations with calls are refused without, and prompts are cached.
    """
    plain = {name: value for name, value in upstream.items() if name not in _MEANT_FOR_TEXTS}
    return {**plain, "tool_choice": "none"} if "tools" in plain else plain


def summary_of(item: Json, context: Context) -> str | None:
    """Return the message that a compaction item stands for; None: it is not the gateway's."""
    sealed = item.get("encrypted_content")
    if context.seal is None or not isinstance(sealed, str):
        return None
    content = context.seal.open(sealed)
    if content is None or content["kind"] != KIND:
        return None
    return INTRODUCTION + str(content["text"])
