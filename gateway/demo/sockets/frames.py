"""What the emulator sends on a socket at `/v1/responses`, as JSON objects and encoded."""

import json
from typing import Any

from gateway.demo.generation.answer import Json, encoded
from gateway.demo.refusals import Refused

LIMIT_REACHED = Refused(
    400,
    "Responses websocket connection limit reached (60 minutes). Create a new websocket connection"
    " to continue.",
    code="websocket_connection_limit_reached",
)


def error_frame(refused: Refused, stream_id: str | None) -> Json:
    """Return a request's error (openai-openapi, ResponseWsError)."""
    error: Json = refused.envelope()["error"]
    if refused.headers:
        error["headers"] = dict(refused.headers)
    return {"type": "error", "status": refused.status, "error": error, **_stream(stream_id)}


def framed(event: bytes, stream_id: str | None) -> bytes:
    """Return a server-sent event as the message that a socket has in its place.

    An error within a stream is nested, and not flat as over HTTP.
    """
    data = event.partition(b"data: ")[2].rstrip()
    if event.startswith(b"event: error\n"):
        flat: dict[str, Any] = json.loads(data)
        shared = {name: flat[name] for name in ("type", "sequence_number", "error")}
        return encoded({**shared, **_stream(stream_id)})
    if stream_id is None:
        return data
    return b"%b,%b" % (data.removesuffix(b"}"), encoded(_stream(stream_id)).removeprefix(b"{"))


def prewarmed(response: Json, stream_id: str | None) -> list[Json]:
    """Return the events of a response that generates nothing, made from one that does."""
    done = {**response, "output": [], "incomplete_details": None}
    started = {**done, "status": "in_progress", "completed_at": None, "usage": None}
    zeros = _zeros(response["usage"])
    done |= {"status": "completed", "completed_at": response["created_at"], "usage": zeros}
    return [
        {"type": kind, "sequence_number": number, "response": shown, **_stream(stream_id)}
        for number, (kind, shown) in enumerate(
            [("response.created", started), ("response.completed", done)]
        )
    ]


def _zeros(usage: Json) -> Json:
    return {name: _zeros(value) if isinstance(value, dict) else 0 for name, value in usage.items()}


def steer_failed(event: Json, code: str, message: str) -> Json:
    """Return the refusal of a `response.steer`, with the input that comes back."""
    steer = {name: event.get(name) for name in ("input", "previous_response_id")}
    error = {"type": "invalid_request_error", "code": code, "message": message}
    return {"type": "response.steer.failed", "sequence_number": 0, "steer": steer, "error": error}


def _stream(stream_id: str | None) -> Json:
    return {} if stream_id is None else {"stream_id": stream_id}
