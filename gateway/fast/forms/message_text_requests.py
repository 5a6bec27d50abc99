"""The types of common messages requests: texts of the user and of the assistant in turn."""

from typing import Annotated, Literal

import msgspec

from gateway.fast.codec import ABSENT, Absent, PositiveInt, UnitInterval
from gateway.translate.parts.from_messages.system import is_attribution
from gateway.translate.schema.messages import MAX_MESSAGES

_NonEmpty = Annotated[str, msgspec.Meta(min_length=1)]


class TextPart(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A text block, which is a part of a chat message, too."""

    type: Literal["text"]
    text: _NonEmpty


_Texts = list[TextPart]


class TextMessage(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A message of texts, which is a chat message, too."""

    role: Literal["user", "assistant"]
    content: _NonEmpty | Annotated[_Texts, msgspec.Meta(min_length=1)]


class MessagesRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, gc=False):
    """A common messages request."""

    model: str
    max_tokens: PositiveInt
    messages: Annotated[list[TextMessage], msgspec.Meta(min_length=1, max_length=MAX_MESSAGES)]
    system: str | _Texts = ""
    temperature: UnitInterval | Absent = ABSENT
    top_p: UnitInterval | Absent = ABSENT
    stream: bool = False


_read_request = msgspec.json.Decoder(MessagesRequest).decode


def read_request(body: bytes) -> tuple[MessagesRequest, list[str]] | None:
    """Return a common request, and the texts of its instructions; None if it is not common.

    A content of one text is returned as a string. User and assistant alternate, whoever begins, and
    the user comes last.
    """
    request = _read_request(body)
    last = ""
    for message in request.messages:
        if message.role == last:
            return None
        last = message.role
        content = message.content
        if type(content) is list:
            if len(content) == 1:
                message.content = content[0].text
            elif last == "assistant":
                return None
    given = request.system
    texts = [given] if isinstance(given, str) else [part.text for part in given]
    if last == "assistant" or (texts and is_attribution(texts[0])):
        return None
    return request, texts if given else []
