"""A messages request that is translated for one of OpenAI's endpoints."""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.shapes import Json
from gateway.translate.parts.from_messages.client_paths import ClientPaths
from gateway.translate.parts.messages.reply_options import MessagesReplyOptions


@dataclass(slots=True)
class PreparedRequest:
    """The upstream body, and the parts of the request on which the reply depends."""

    client: Json
    """The client's request, checked, without null keys."""
    call: Json | None
    """The upstream body; None: nothing is to be generated."""
    options: MessagesReplyOptions
    paths: ClientPaths

    @property
    def calls(self) -> Sequence[Json]:
        """The one upstream body, or none."""
        return () if self.call is None else (self.call,)

    def client_param(self, call: int, param: str | None) -> str | None:  # noqa: ARG002
        """Return the client's path of an upstream parameter; None if it has none."""
        return self.paths.of(param) if param else None
