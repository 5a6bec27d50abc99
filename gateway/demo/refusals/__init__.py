"""The errors of OpenAI's API, word for word, as exceptions.

Texts, statuses, `param` and `code` are those of recorded replies of api.openai.com wherever one is
public (opentelemetry-python-contrib and dd-trace-py cassettes; prompttools#115,
semantic-kernel#1303, chatbox#2173, ComfyUI-Griptape#312, one-api threads). Clients and gateways
match these texts, so do not improve them.
"""

from typing import Any


class Refused(Exception):
    """An error reply: its status, its envelope, its additional headers."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        type: str = "invalid_request_error",  # noqa: A002 - the envelope's own word
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.param = param
        self.code = code
        self.type = type
        self.headers = headers

    def envelope(self) -> dict[str, Any]:
        """Return OpenAI's error object, all four keys."""
        return {
            "error": {
                "message": self.message,
                "type": self.type,
                "param": self.param,
                "code": self.code,
            }
        }
