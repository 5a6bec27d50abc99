"""An upstream body in the making, which the functions for single parameters write into."""

from dataclasses import dataclass, field

from gateway.shapes import Json
from gateway.translate.contract import Context, Report, unsupported

_NO_EQUIVALENT = "the model is served through the responses endpoint, which has no equivalent."


@dataclass(slots=True)
class Draft:
    """The client's request and what has become of it so far."""

    client: Json
    """The client's request, checked."""
    context: Context
    report: Report
    upstream: Json = field(default_factory=dict)

    def refuse(self, name: str, reason: str = _NO_EQUIVALENT, *, droppable: bool = True) -> None:
        """Refuse a parameter, or drop it where both it and the operator allow that.

        Raises `UnsupportedParameter`.
        """
        unsupported(self.context, self.report, name, reason, droppable=droppable)


def limit_name(client: Json) -> str:
    """Return the client's name of the token limit, which has two in chat."""
    legacy = "max_tokens" in client and "max_completion_tokens" not in client
    return "max_tokens" if legacy else "max_completion_tokens"
