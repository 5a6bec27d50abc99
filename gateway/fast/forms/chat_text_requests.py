"""The types of common chat requests: texts, and numbers that any upstream takes."""

from typing import Annotated, Literal

import msgspec

from gateway.fast.codec import ABSENT, Absent, FastRequest, PositiveInt


class ChatText(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A message that is one text."""

    role: Literal["system", "user", "assistant", "developer"]
    content: str


class ChatTextRequest(FastRequest, kw_only=True, gc=False):
    """A common chat request."""

    messages: Annotated[list[ChatText], msgspec.Meta(min_length=1)]
    max_tokens: PositiveInt | Absent = ABSENT
    max_completion_tokens: PositiveInt | Absent = ABSENT
    store: bool = False

    @property
    def limit(self) -> int:
        """The limit of output tokens, under either name; 0: none."""
        newer = self.max_completion_tokens
        limit = self.max_tokens if newer is ABSENT else newer
        return 0 if limit is ABSENT else limit


_read_request = msgspec.json.Decoder(ChatTextRequest).decode


def read_chat_texts(body: bytes) -> ChatTextRequest | None:
    """Return a common request; None if it is not common. Raises one of `NOT_ADMITTED`.

    A common request has one limit at most, and options of a stream only if it wants a stream.
    """
    request = _read_request(body)
    if request.stream_options is not ABSENT and not request.stream:
        return None
    if request.max_tokens is not ABSENT and request.max_completion_tokens is not ABSENT:
        return None
    return request
