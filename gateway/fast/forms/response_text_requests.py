"""The types of common responses requests: texts of the user and of the assistant in turn."""

from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec

from gateway.fast.codec import ABSENT, Absent, UnitInterval, UpToTwo
from gateway.shapes import Json
from gateway.translate.schema.checks import INT64_MAX
from gateway.translate.schema.responses import MIN_OUTPUT_TOKENS

_Text = Annotated[str, msgspec.Meta(min_length=1)]


class _Part(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    type: Literal["input_text"]
    text: _Text


class _Item(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    role: Literal["user", "assistant"]
    content: _Text | Annotated[list[_Part], msgspec.Meta(min_length=1, max_length=1)]
    type: Literal["message"] = "message"


class ResponseText(msgspec.Struct, gc=False):
    """A text of the user or of the assistant, which is a chat message."""

    role: str
    content: str


class ResponseTextRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, gc=False):
    """A common responses request."""

    model: str
    input: _Text | Annotated[list[_Item], msgspec.Meta(min_length=1)]
    instructions: _Text | Absent = ABSENT
    max_output_tokens: Annotated[int, msgspec.Meta(ge=MIN_OUTPUT_TOKENS, le=INT64_MAX)] | Absent = (
        ABSENT
    )
    temperature: UpToTwo | Absent = ABSENT
    top_p: UnitInterval | Absent = ABSENT
    user: str | Absent = ABSENT
    stream: bool = False
    store: Literal[False] | Absent = ABSENT

    @property
    def client(self) -> Json:
        """The parameters that a response repeats."""
        given = (
            ("instructions", self.instructions),
            ("max_output_tokens", self.max_output_tokens),
            ("temperature", self.temperature),
            ("top_p", self.top_p),
            ("user", self.user),
        )
        return {name: value for name, value in given if value is not ABSENT}


_read_request = msgspec.json.Decoder(ResponseTextRequest).decode


def read_response_texts(body: bytes) -> tuple[ResponseTextRequest, Sequence[ResponseText]] | None:
    """Return a common request, and its texts; None if it is not common.

    User and assistant alternate, whoever begins, and the user comes last. Raises one of
    `NOT_ADMITTED`.
    """
    request = _read_request(body)
    given = request.input
    if isinstance(given, str):
        return request, (ResponseText("user", given),)
    texts: list[ResponseText] = []
    last = ""
    for item in given:
        content = item.content
        if item.role == last:
            return None
        last = item.role
        if isinstance(content, list):
            if last == "assistant":
                return None
            content = content[0].text
        texts.append(ResponseText(last, content))
    return (request, texts) if last == "user" else None
