"""Citations: flat in responses, nested in chat, which has only those of web pages."""

from dataclasses import dataclass
from typing import Literal

from gateway.shapes import Json


@dataclass(frozen=True, slots=True)
class Cited:
    """A citation as a chat client gets it."""

    field: Literal["annotations", "file_citations"]
    """The field of the message; `file_citations`, for files and containers, is not OpenAI's."""
    shown: Json
    end: int
    """The end of the cited text in the whole message; 0: unknown."""


def cited_in_chat(annotation: object, offset: int) -> Cited | None:
    """Return a citation moved by `offset` characters; None if the value is no citation.

    Positions count from the start of the content part in responses, and from the start of the whole
    message in chat.
    """
    if not isinstance(annotation, dict) or not isinstance(annotation.get("type"), str):
        return None
    kind = annotation["type"]
    if kind == "url_citation":
        return _of_the_web(annotation, offset)
    cited = {name: value for name, value in annotation.items() if name != "type"}
    for name in _POSITIONS:
        position = _position(cited.get(name))
        if position is not None:
            cited[name] = position + offset
    end = _position(cited.get("end_index")) or 0
    return Cited("file_citations", {"type": kind, kind: cited}, end)


_POSITIONS = ("start_index", "end_index")


def _of_the_web(annotation: Json, offset: int) -> Cited | None:
    """Return a citation of a page; without two positions it is about the whole message."""
    url, title = annotation.get("url"), annotation.get("title")
    if not isinstance(url, str):
        return None
    start, end = (_position(annotation.get(name)) for name in _POSITIONS)
    if start is None or end is None:
        start, end, offset = 0, 0, 0
    citation = {
        "start_index": start + offset,
        "end_index": end + offset,
        "url": url,
        "title": title if isinstance(title, str) else "",
    }
    return Cited("annotations", {"type": "url_citation", "url_citation": citation}, end + offset)


def _position(value: object) -> int | None:
    """Return a position; some servers write it as a float. None: it is not one."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if type(value) is int else None
