"""Contents of agents' responses requests in chat's form."""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Raw

from gateway.fast.agents.from_responses.responses_items import (
    AnyText,
    Image,
    InputText,
    OutputText,
    Part,
    Reasoned,
    Said,
)
from gateway.fast.agents.raw import decoded, is_empty, text
from gateway.fast.agents.uncommon import Uncommon
from gateway.fast.codec import ABSENT, Absent
from gateway.shapes import Json
from gateway.translate.contract import Report

Text = str | Raw
"""A text, decoded or as it is written."""


class TextPart(msgspec.Struct, tag_field="type", tag="text", gc=False):
    """A part of a chat message that is text."""

    text: Raw


class _ImageUrl(msgspec.Struct, gc=False):
    url: Raw
    detail: str | Absent


class _ImagePart(msgspec.Struct, tag_field="type", tag="image_url", gc=False):
    image_url: _ImageUrl


AnyPart = TextPart | _ImagePart
Content = Text | Sequence[AnyPart]


def says(said: Text) -> bool:
    """Whether a text is not empty."""
    return bool(said) if isinstance(said, str) else not is_empty(said)


def as_string(said: Text) -> str:
    """Return a text, decoded."""
    return said if isinstance(said, str) else decoded(said)


_SAID = (InputText, OutputText, AnyText)


def single(parts: Sequence[Part]) -> Raw | None:
    """Return the text of a content that is one text; raises `Uncommon` for anything else."""
    if len(parts) != 1:
        return None
    first: Any = parts[0]
    return text(first.text) if type(first) in _SAID else None


def content_of(parts: Sequence[Part], path: str, report: Report, *, images: bool) -> Content:
    """Return the content of any role but the assistant's; raises `Uncommon`."""
    sent: list[AnyPart] = []
    for position, part in enumerate(parts):
        if isinstance(part, Said):
            sent.append(TextPart(text(part.text)))
        elif images and isinstance(part, Image):
            sent.append(_image(part, f"{path}[{position}]", report))
        else:
            raise Uncommon
    if not sent:
        raise Uncommon
    first = sent[0]
    return first.text if len(sent) == 1 and isinstance(first, TextPart) else sent


def _image(part: Image, path: str, report: Report) -> _ImagePart:
    detail: str | Absent = ABSENT if part.detail is None else part.detail
    if detail == "original":
        report.change(f"{path}.detail", "original", "high")
        detail = "high"
    return _ImagePart(_ImageUrl(text(part.image_url), detail))


def texts_of(parts: Sequence[Part]) -> list[Raw]:
    """Return the non-empty texts of an assistant's message; raises `Uncommon` for other parts."""
    texts: list[Raw] = []
    for part in parts:
        if not isinstance(part, Said):
            raise Uncommon
        said = text(part.text)
        if not is_empty(said):
            texts.append(said)
    return texts


def joined(content: Content) -> str:
    """Return the texts of a system message as one, joined like the texts of several messages."""
    if isinstance(content, str | Raw):
        return as_string(content)
    return "\n".join(decoded(part.text) for part in content if isinstance(part, TextPart))


def reasoning_parts(parts: Sequence[Part]) -> list[Json]:
    """Return the texts of reasoning as parts; raises `Uncommon` for another part."""
    texts = [part.text for part in parts if isinstance(part, Reasoned)]
    if len(texts) != len(parts):
        raise Uncommon
    return [{"text": decoded(said)} for said in texts]
