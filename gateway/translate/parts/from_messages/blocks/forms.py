"""Content parts of user messages in the forms of OpenAI's endpoints."""

from collections.abc import Callable
from dataclasses import dataclass

from gateway.shapes import Json


@dataclass(frozen=True, slots=True)
class PartForms:
    """The functions that make an endpoint's parts; their URLs may be `data:` URLs."""

    text: Callable[[str], Json]
    image: Callable[[str], Json]
    """URL → part."""
    file: Callable[[str, str], Json]
    """Name, and the `data:` URL of its content → part."""
    file_url: Callable[[str], Json] | None = None
    """URL → part; None: the endpoint takes no URLs of files."""


def _chat_image(url: str) -> Json:
    return {"type": "image_url", "image_url": {"url": url}}


def _chat_file(name: str, data: str) -> Json:
    return {"type": "file", "file": {"filename": name, "file_data": data}}


def _input_image(url: str) -> Json:
    return {"type": "input_image", "image_url": url, "detail": "auto"}


def _input_file(name: str, data: str) -> Json:
    return {"type": "input_file", "filename": name, "file_data": data}


CHAT = PartForms(lambda text: {"type": "text", "text": text}, _chat_image, _chat_file)

RESPONSES = PartForms(
    lambda text: {"type": "input_text", "text": text},
    _input_image,
    _input_file,
    lambda url: {"type": "input_file", "file_url": url},
)
