"""A model that lives at one endpoint only, and calls the tools that a script tells it to."""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from gateway.shapes import Json, Shape
from tests.clients.scripted_responses import as_chat, events_of

NAME = "my-llama"
Step = Mapping[str, Json]
"""The arguments of each of the tools that the model may call now; it calls the first on offer."""


@dataclass
class ScriptedModel:
    """A server of the model. Each turn of a user plays the script from its beginning."""

    shape: Shape = Shape.CHAT
    """Where it lives: chat, or responses."""
    script: Sequence[Step] = ()
    base_url: str = ""
    requests: list[Json] = field(default_factory=list)
    """The bodies of all requests to generate."""
    others: list[str] = field(default_factory=list)
    """All other requests but those for the list of models."""

    def answer(self, body: Json) -> Json:
        """Return the message: the next call, or what the tools have said."""
        messages = body["messages"]
        asked = max(i for i, message in enumerate(messages) if message["role"] == "user")
        outputs = [message for message in messages[asked:] if message["role"] == "tool"]
        offered = [tool[tool["type"]]["name"] for tool in body.get("tools", ())]
        step = [*self.script, {}][min(len(outputs), len(self.script))]
        for name, arguments in step.items():
            if name in offered:
                function = {"name": name, "arguments": json.dumps(arguments)}
                call_id = f"call_{len(messages)}"
                call = {"index": 0, "id": call_id, "type": "function", "function": function}
                return {"role": "assistant", "content": None, "tool_calls": [call]}
        said = [json.dumps(message["content"]) for message in outputs]
        return {"role": "assistant", "content": f"The tools said: {' '.join(said)}"}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    model: ScriptedModel

    def do_GET(self) -> None:
        if self.path != "/v1/models":
            self._missing()
            return
        listed = {"object": "list", "data": [{"id": NAME, "object": "model"}]}
        self._reply(200, "application/json", json.dumps(listed).encode())

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["content-length"]))
        path = {Shape.CHAT: "/v1/chat/completions", Shape.RESPONSES: "/v1/responses"}
        if self.path != path[self.model.shape]:
            self._missing()
            return
        body = json.loads(raw)
        self.model.requests.append(body)
        if self.model.shape is Shape.RESPONSES:
            events = [*events_of(self.model.answer(as_chat(body)))]
            named = [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events]
            self._reply(200, "text/event-stream", "".join(named).encode())
        else:
            self._chat(body)

    def _chat(self, body: Json) -> None:
        message = self.model.answer(body)
        finish = "tool_calls" if "tool_calls" in message else "stop"
        head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": NAME, "created": 1}
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        events: list[Json] = [
            {**head, "choices": [{"index": 0, "delta": message, "finish_reason": None}]},
            {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": finish}]},
            {**head, "choices": [], "usage": usage},
        ]
        lines = "".join(f"data: {json.dumps(event)}\n\n" for event in events)
        self._reply(200, "text/event-stream", f"{lines}data: [DONE]\n\n".encode())

    def _missing(self) -> None:
        self.model.others.append(f"{self.command} {self.path}")
        self._reply(404, "application/json", b'{"detail":"Not Found"}')

    def _reply(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def scripted_model(shape: Shape = Shape.CHAT) -> Iterator[ScriptedModel]:
    """Run a server of the model until the block ends."""
    model = ScriptedModel(shape)
    handler = type("Handler", (_Handler,), {"model": model})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        model.base_url = f"http://127.0.0.1:{server.server_address[1]}/v1"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield model
        finally:
            server.shutdown()
            thread.join()
