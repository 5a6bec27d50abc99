"""The reply to a request for a compaction: a summary that nobody but the gateway can read."""

from gateway.errors import UpstreamError
from gateway.shapes import Json
from gateway.translate.responses_via_chat.compaction import KIND
from gateway.translate.responses_via_chat.output.stream import ResponsesStream


class CompactionStream(ResponsesStream):
    """The fold of a summary: nothing of it is shown, and the sealed item is all of the output."""

    @property
    def passes_text(self) -> bool:
        """Return False: no text is passed on."""
        return False

    def _write_item(self, events: list[Json]) -> None:
        events.clear()

    def _output(self, status: str) -> list[Json]:
        """Return the one item, and write its events.

        Raises `UpstreamError` where there is no summary, or only the beginning of one.
        """
        said, self._done = self._done, []
        text = "".join(
            part.get("text", "")
            for item in said
            if item["type"] == "message"
            for part in item["content"]
        )
        seal = self._context.seal
        if seal is None or not text.strip() or status != "completed":
            raise UpstreamError(
                "The model's summary of the conversation is missing or was cut off, so it cannot "
                "be compacted. Retry, with a higher 'max_output_tokens' if there is one."
            )
        sealed = seal.close({"kind": KIND, "text": text})
        item = {
            "id": f"cmp_{self._context.new_id()}",
            "type": KIND,
            "encrypted_content": sealed,
        }
        for kind in ("added", "done"):
            event = f"response.output_item.{kind}"
            self._write({"type": event, "output_index": 0, "item": item})
        return [item]
