"""The token counts in the events of one message."""

from dataclasses import dataclass

from gateway.shapes import Json
from gateway.translate.parts.messages.usage import openai_tier
from gateway.translate.parts.tokens.usage_sums import richer_usage


@dataclass(slots=True)
class Counts:
    """The usage so far. Later counts replace earlier ones, unless they are zero."""

    usage: object = None
    """The usage with the names of messages; None: unknown."""
    tier: str | None = None
    """The service tier in OpenAI's words; None: unknown."""

    def take(self, event: Json) -> None:
        """Take an event; `message_start` has its usage in the message, others at the top."""
        message = event.get("message")
        for holder in (message if isinstance(message, dict) else {}, event):
            usage = holder.get("usage")
            if usage:
                self.usage = richer_usage(self.usage, usage)
                self.tier = openai_tier(usage) or self.tier
