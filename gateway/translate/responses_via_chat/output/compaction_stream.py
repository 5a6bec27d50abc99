"""The reply to a request for a compaction: a summary that only the gateway can read."""

from gateway.errors import UpstreamError
from gateway.shapes import Json
from gateway.translate.contract import Context
from gateway.translate.responses_via_chat.compaction import KIND
from gateway.translate.responses_via_chat.output.items import OutputItem
from gateway.translate.responses_via_chat.output.queue import OutputQueue
from gateway.translate.responses_via_chat.output.stream import ResponsesStream
from gateway.translate.responses_via_chat.request import PreparedRequest


class HiddenQueue(OutputQueue):
    """Items whose events are not sent."""

    def _write_item(self, item: OutputItem) -> None:
        item.outbox.clear()


class CompactionStream(ResponsesStream):
    """Folds a summary: its text is hidden, and the sealed item is the whole output."""

    def __init__(self, request: PreparedRequest, context: Context) -> None:
        super().__init__(request, context, HiddenQueue())

    @property
    def passes_text(self) -> bool:
        """Return False: no text is passed on."""
        return False

    def _output(self, status: str) -> list[Json]:
        """Return the one item, and write its events; raises as `compacted` does."""
        return compacted(self._queue, status, self._context)


def compacted(queue: OutputQueue, status: str, context: Context) -> list[Json]:
    """Return the one item of a compaction, and write its events; the summary is in the queue.

    Raises `UpstreamError` for a summary that is missing or cut off.
    """
    hidden, queue.done = queue.done, []
    text = "".join(
        part.get("text", "")
        for item in hidden
        if item["type"] == "message"
        for part in item["content"]
    )
    if context.seal is None or not text.strip() or status != "completed":
        raise UpstreamError(
            "The model's summary of the conversation is missing or was cut off, so it cannot "
            "be compacted. Retry, with a higher 'max_output_tokens' if there is one."
        )
    sealed = context.seal.close({"kind": KIND, "text": text})
    item = {"id": f"cmp_{context.new_id()}", "type": KIND, "encrypted_content": sealed}
    for kind in ("added", "done"):
        event = f"response.output_item.{kind}"
        queue.write({"type": event, "output_index": 0, "item": item})
    return [item]
