"""A picture of a chat reply as an output item of a response."""

from gateway.shapes import Json
from gateway.translate.images import base64_of
from gateway.translate.responses_via_chat.items import OutputItem


class ImageItem(OutputItem):
    """A picture, as a call of the hosted tool that makes pictures at OpenAI.

    `result` is base64: a picture that the server only names by a URL has it in `image_url`, which
    is none of OpenAI's fields.
    """

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
        item["status"] = "completed"
        result = base64_of(self._url)
        named = {} if result else {"image_url": self._url}
        return {**item, "result": result, **named}

    def _close_content(self) -> None:
        self._write("image_generation_call.completed")
