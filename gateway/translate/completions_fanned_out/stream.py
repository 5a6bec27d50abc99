"""Completions streams of several calls as one."""

from gateway.errors import TruncatedStream
from gateway.shapes import Json, Shape
from gateway.translate.completions_fanned_out.spreading import PreparedRequest
from gateway.translate.contract import Context, StreamTranslation
from gateway.translate.parts.fields import created, model_name, swap_id
from gateway.translate.parts.finish_reasons import ending_word
from gateway.translate.parts.tokens.usage_sums import richer_usage
from gateway.translate.parts.upstream_errors import without_error
from gateway.translate.stream.reply_choices import ChoicePlaces, choices_of


class FannedOutStream(StreamTranslation):
    """Folds the streams of all calls: choices interleave as their text arrives."""

    def __init__(self, request: PreparedRequest, context: Context) -> None:
        fan = request.fan
        self._request = request
        self._fan = fan
        self._context = context
        self._include_usage = request.include_usage
        self._places = [ChoicePlaces(fan.per_call) for _ in range(fan.call_count)]
        self._unfinished = [set(range(fan.per_call)) for _ in range(fan.call_count)]
        self._ended = [False] * fan.call_count
        self._usages: list[object] = [None] * fan.call_count
        self._identity: Json = {}

    def feed(self, call: int, event: Json) -> list[Json]:
        """Take one chunk; see `StreamTranslation`."""
        without_error(call, event, self._request)
        if event.get("usage"):
            self._usages[call] = richer_usage(self._usages[call], event["usage"])
        listed = choices_of(event)
        choices = [taken for choice in listed if (taken := self._take(call, choice)) is not None]
        if not choices:
            return []
        return [self._chunk({**event, "choices": choices})]

    def end(self, call: int) -> list[Json]:
        """Take the end of a call's stream; after the last one, return the usage if asked for."""
        if self._ended[call]:
            return []
        if self._unfinished[call]:
            index = self._fan.client_index(call, min(self._unfinished[call]))
            raise TruncatedStream(
                f"The upstream's stream ended before choice {index} was complete. "
                "Retry the request."
            )
        self._ended[call] = True
        if not self._include_usage or not all(self._ended):
            return []
        usage = self._fan.total_usage(self._usages)
        return [] if usage is None else [{**self._chunk({"choices": []}), "usage": usage}]

    def _take(self, call: int, choice: Json) -> Json | None:
        position = self._places[call].place(choice)
        if position is None:
            return None
        if ending_word(choice) is not None:
            self._unfinished[call].discard(position)
        return {**choice, "index": self._fan.client_index(call, position)}

    def _chunk(self, event: Json) -> Json:
        """Return an event as a chunk of the folded stream: all chunks have one id."""
        if not self._identity:
            upstream_id = event.get("id") if self._fan.call_count == 1 else None
            self._identity = {
                "id": swap_id(upstream_id, Shape.COMPLETIONS, self._context),
                "object": "text_completion",
                "created": created(event.get("created") or None, self._context),
                "model": model_name(event.get("model") or None, self._context),
            }
        chunk = {**event, **self._identity}
        chunk.pop("usage", None)
        return {**chunk, "usage": None} if self._include_usage else chunk
