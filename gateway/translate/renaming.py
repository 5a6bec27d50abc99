"""The translation between equal shapes: little more than another name of the model."""

from collections.abc import Sequence

from gateway.errors import GatewayError
from gateway.shapes import ItemNames, Json, Shape
from gateway.translate.contract import Context, Report, StreamTranslation
from gateway.translate.parts.messages.unsigned import without_gateways_thinking
from gateway.translate.parts.upstream_errors import ended_too_early
from gateway.translate.stream.messages.message_events import check_inputs, without_partial_inputs
from gateway.translate.stream.reply_choices import ChoiceEnds
from gateway.translate.stream.sse import ENDS, error_event
from gateway.translate.unsealing import unsealed


class Renaming:
    """A request that goes to the endpoint it was made for, under the upstream's model name."""

    def __init__(
        self, shape: Shape, body: Json, context: Context, report: Report | None = None
    ) -> None:
        self._shape = shape
        self._context = context
        self.report = report or Report(shape, shape, items=context.items)
        self.items: ItemNames | None = None
        """The client's names for the items that are sent; None: none of them has moved."""
        if shape is Shape.RESPONSES:
            body, self.items = unsealed(body, context, self.report)
        elif shape is Shape.MESSAGES:
            body = without_gateways_thinking(body, self.report)
        named = {"model": context.model_sent} if context.model_sent else {}
        self.calls: Sequence[Json] = ({**body, **named},)

    def local_reply(self) -> Json | None:
        """Return None: the upstream answers."""
        return None

    def reply(self, replies: Sequence[Json]) -> Json:
        """Return the reply with the name that the client asked for.

        Raises `UpstreamError` for a message folded from a stream whose calls cannot be run.
        """
        reply = replies[0]
        if self._shape is Shape.MESSAGES:
            check_inputs(reply)
            reply = without_partial_inputs(reply)
        return _renamed(reply, self._context)

    def stream(self) -> StreamTranslation:
        """Return the fold that renames the model in each event."""
        return _RenamingStream(self._shape, self._context)

    def client_param(self, call: int, param: str | None) -> str | None:  # noqa: ARG002
        """Return the parameter itself: its name is the same, except for items that have moved."""
        return param if param is None or self.items is None else self.items.client_path(param)


class _RenamingStream(StreamTranslation):
    def __init__(self, shape: Shape, context: Context) -> None:
        self._shape = shape
        self._context = context
        self._has_ended = False
        self._choices = ChoiceEnds()
        self._number: object = None

    def feed(self, call: int, event: Json) -> list[Json]:  # noqa: ARG002
        self._has_ended = self._has_ended or _ends(event)
        self._choices.take(event)
        self._number = event.get("sequence_number")
        return [_renamed(event, self._context)]

    def end(self, call: int) -> list[Json]:  # noqa: ARG002
        if not self._has_ended and not (self._choices.has_any and self._choices.are_all):
            raise ended_too_early()
        return []

    def fail(self, error: GatewayError) -> list[Json]:
        number = self._number + 1 if isinstance(self._number, int) else 0
        return [error_event(self._shape, error, number)]


def _ends(event: Json) -> bool:
    """Whether the event ends the response or the message, or is an error event itself."""
    kind = event.get("type")
    return event.get("error") is not None or (isinstance(kind, str) and kind in ENDS)


def _renamed(reply: Json, context: Context) -> Json:
    if context.settings.echo_model == "upstream":
        return reply
    renamed = dict(reply)
    if "model" in renamed:
        renamed["model"] = context.model_asked
    for name in ("response", "message"):
        inner = renamed.get(name)
        if isinstance(inner, dict) and "model" in inner:
            renamed[name] = {**inner, "model": context.model_asked}
    return renamed
