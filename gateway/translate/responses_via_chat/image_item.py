"""A picture of a chat reply as an output item of a response."""

from gateway.shapes import Json
from gateway.translate.parts.content.images import generated
from gateway.translate.responses_via_chat.items import OutputItem


class ImageItem(OutputItem):
    """A picture, as a call of the hosted tool that makes pictures at OpenAI."""

    prefix = "ig"

    def __init__(self, index: int, item_id: str, url: str) -> None:
        super().__init__(index, item_id)
        self._url = url
        self._announce()
        for step in ("in_progress", "generating"):
            self._write(f"image_generation_call.{step}")

    def resource(self) -> Json:
        """Return the item as it is now."""
        item: Json = {"id": self.id, "type": "image_generation_call"}
        if self.status == "in_progress":
            return {**item, "status": "in_progress", "result": None}
        # It is whole, whatever ended the reply.
        return {**item, "status": "completed", **generated(self._url)}

    def _close_content(self) -> None:
        self._write("image_generation_call.completed")
