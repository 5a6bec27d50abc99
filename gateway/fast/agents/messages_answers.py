"""What the replies to an agent of messages depend on in its request."""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.fast.agents.codec import ClientParam
from gateway.shapes import Json
from gateway.translate.parts.messages.asked import MessagesAsked


@dataclass(frozen=True, slots=True)
class AnsweredRequest:
    """As much of a prepared request as the folds of replies read (a `PreparedMessages`)."""

    asked: MessagesAsked
    limit: int
    """The limit of output tokens as it is sent."""
    call_ids: Sequence[str]
    """The client's ids of all calls in its conversation."""
    client_param: ClientParam

    @property
    def client(self) -> Json:
        """The calls of the client's conversation."""
        calls = [{"type": "tool_use", "id": call_id} for call_id in self.call_ids]
        return {"messages": [{"content": calls}]}

    @property
    def calls(self) -> Sequence[Json]:
        """The limit of the request that is sent."""
        return ({"max_output_tokens": self.limit},)


def has_stops(asked: MessagesAsked) -> bool:
    """Whether a text that is a stop sequence ends a reply."""
    return bool(asked.stop_sequences or asked.native_stops)
