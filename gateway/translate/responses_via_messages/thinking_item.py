"""Thinking as a reasoning item, and the block that the item carries back to its server."""

from gateway.shapes import Json
from gateway.translate.contract import Context
from gateway.translate.parts.messages.signatures import close
from gateway.translate.responses_via_chat.deltas.carrier import Carrier
from gateway.translate.responses_via_chat.request import ReasoningForm


class ThinkingCarrier(Carrier):
    """Carries one block, which its server takes back only if it is unchanged.

    `demanded`: the block is sealed for the client to send back.
    """

    def __init__(self, form: ReasoningForm, context: Context, *, demanded: bool) -> None:
        is_shown = form != "drop"
        super().__init__(context, (), is_shown=is_shown, demanded=demanded, goes_on=False)
        self.block: Json = {}
        """The block without the text of its thinking."""

    def sealed(self, context: Context) -> str | None:
        """Return the block, sealed; None: it has no signature, or is not to be sent back."""
        block = dict(self.block)
        if block.get("type") == "thinking":
            block = {**block, "thinking": "".join(self._pieces)}
        is_signed = bool(block.get("signature") or block.get("data"))
        return close(block, "", context) if self._demanded and is_signed else None
