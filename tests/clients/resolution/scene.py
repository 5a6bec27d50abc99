"""What a scripted upstream does for one key: its metadata, its model, and how it denies it."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum

import msgspec

from gateway.shapes import Json, Shape
from tests.clients.faulty_upstream import ANSWERS, SSE, chunk, end_of_stream, event, head
from tests.upstream.scripted import Request, with_length

MODEL = "ft-your-gpt35-model"
"""A fine-tune whose name says nothing."""
BASES = {
    Shape.COMPLETIONS: "davinci-002",
    Shape.CHAT: "gpt-3.5-turbo-0125",
    Shape.RESPONSES: "o1-pro",
}
"""A base by the endpoint that it lives at."""
HOMES = tuple(BASES)
"""Where a model of such a server can live."""
PATHS = {f"/v1{shape.path}": shape for shape in Shape}
_AZURE = re.compile("/openai/(deployments/[^/]+/|v1/)?")
_NEEDED = {Shape.COMPLETIONS: "prompt", Shape.CHAT: "messages", Shape.RESPONSES: "input"}


def as_json(body: object, status: str = "200 OK", *headers: str) -> bytes:
    return with_length(
        msgspec.json.encode(body), status, "Content-Type: application/json", *headers
    )


def error(
    message: str,
    status: str = "404 Not Found",
    code: str | None = None,
    param: str | None = None,
    type: str = "invalid_request_error",  # noqa: A002 - the envelope's word
) -> bytes:
    inside = {"message": message, "type": type, "param": param, "code": code}
    return as_json({"error": inside}, status)


def listing(*cards: Json | str) -> bytes:
    """Return a list of models: ids, or cards with more than an id."""
    own: Json = {"object": "model", "created": 1, "owned_by": "acme"}
    data = [{**own, **({"id": each} if isinstance(each, str) else each)} for each in cards]
    return as_json({"object": "list", "data": data})


def jobs(*made: tuple[str, str]) -> bytes:
    """Return a list of fine-tuning jobs: the model that each has made, and from which."""
    data = [
        {
            "object": "fine_tuning.job",
            "id": f"ftjob-{number}",
            "model": base,
            "fine_tuned_model": model,
            "status": "succeeded",
        }
        for number, (model, base) in enumerate(made)
    ]
    return as_json({"object": "list", "data": data, "has_more": False})


RESTRICTED = error(
    "You have insufficient permissions for this operation. Missing scopes: api.model.read. "
    "Check that you have the correct role in your organization, and if you're using a restricted "
    "API key, that it has the necessary scopes.",
    "403 Forbidden",
    "missing_scope",
)
NO_ROUTE = as_json({"detail": "Not Found"}, "404 Not Found")
EMPTY = as_json({"object": "list", "data": []})
TOO_MANY = error("Rate limit reached for requests", "429 Too Many Requests", "rate_limit_exceeded")
MALFORMED = with_length(b'{"object": "list", "data": [{"id":', "200 OK", "Content-Type: text/html")


def answer(shape: Shape, model: str, *, streamed: bool) -> bytes:
    """Return what a model says at an endpoint."""
    if not streamed:
        return as_json({**ANSWERS[shape.path], "model": model})
    events = chunk(event(shape.path)) + chunk(end_of_stream(shape.path)) + chunk(b"")
    return head(SSE) + events


class Denial(StrEnum):
    """In which of OpenAI's words an endpoint denies a model that lives elsewhere."""

    ABSENT = "does not exist"
    ELSEWHERE = "wrong endpoint"


def absent(model: str = MODEL) -> bytes:
    return error(
        f"The model `{model}` does not exist or you do not have access to it.",
        code="model_not_found",
    )


def elsewhere(called: Shape, home: Shape, model: str = MODEL) -> bytes:
    """Return OpenAI's text for a model at an endpoint that it does not live at."""
    if called is Shape.MESSAGES:
        return NO_ROUTE
    if called is Shape.RESPONSES:
        message = f"The requested model '{model}' is not supported with the Responses API."
        return error(message, "400 Bad Request", "model_not_found", "model")
    here = "v1/completions" if called is Shape.COMPLETIONS else "v1/chat/completions"
    if home is Shape.RESPONSES:
        message = f"This model is only supported in v1/responses and not in {here}."
    elif called is Shape.COMPLETIONS:
        message = (
            "This is a chat model and not supported in the v1/completions endpoint. "
            "Did you mean to use v1/chat/completions?"
        )
    else:
        message = (
            "This is not a chat model and thus not supported in the v1/chat/completions endpoint. "
            "Did you mean to use v1/completions?"
        )
    return error(message, param="model")


Metadata = Callable[["Scene"], Awaitable[bytes]]
"""Answers one look-up."""


def at_once(*replies: bytes) -> Metadata:
    """Answer the n-th look-up with the n-th reply, all further ones with the last."""
    left = list(replies)

    async def give(scene: "Scene") -> bytes:
        return left.pop(0) if len(left) > 1 else left[0]

    return give


class HeldBack:
    """Holds look-ups back until it is opened; `reached` when the first one has come."""

    def __init__(self, reply: bytes) -> None:
        self.reply = reply
        self.reached = asyncio.Event()
        self.opened = asyncio.Event()

    async def __call__(self, scene: "Scene") -> bytes:
        self.reached.set()
        scene.held.set()
        opened = asyncio.create_task(self.opened.wait())
        released = asyncio.create_task(scene.released.wait())
        try:
            await asyncio.wait({opened, released}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            opened.cancel()
            released.cancel()
        return self.reply


def held(reply: bytes) -> Metadata:
    """Answer when the test releases what its scene holds, and not before."""

    async def give(scene: "Scene") -> bytes:
        scene.held.set()
        await scene.released.wait()
        return reply

    return give


def begun(reply: bytes) -> Metadata:
    """Answer with half a body, and never with the rest."""

    async def give(scene: "Scene") -> bytes:
        scene.held.set()
        return reply[:-10]

    return give


def first(once: Metadata, then: Metadata) -> Metadata:
    """Answer the first look-up in one way, all further ones in the other."""
    left = [once]

    async def give(scene: "Scene") -> bytes:
        return await (left.pop() if left else then)(scene)

    return give


Generate = Callable[["Scene", Shape, Json], bytes]


@dataclass
class Scene:
    """The upstream as one key sees it, and what it was asked with that key."""

    key: str
    home: Shape | None
    """Where the model lives; None: nowhere."""
    models: Metadata
    jobs: Metadata
    denial: Denial = Denial.ABSENT
    model: str = MODEL
    generate: "Generate" = field(default_factory=lambda: lives_at_home)
    """Answers at the endpoints."""
    further: Callable[["Scene", Request], Awaitable[bytes]] | None = None
    """Answers at all other paths."""
    calls: list[Shape] = field(default_factory=list)
    """The endpoints that were called, in order."""
    bodies: list[Json] = field(default_factory=list)
    """What they were called with."""
    lookups: list[str] = field(default_factory=list)
    """The paths of the look-ups, without the query."""
    others: list[str] = field(default_factory=list)
    """Methods and paths of all other requests."""
    held: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, request: Request) -> bytes:
        path = _AZURE.sub("/v1/", request.target.partition("?")[0])
        shape = PATHS.get(path)
        if shape is not None:
            body: Json = msgspec.json.decode(request.body)
            self.calls.append(shape)
            self.bodies.append(body)
            return self.generate(self, shape, body)
        if request.method == "GET" and path == "/v1/models":
            self.lookups.append(path)
            return await self.models(self)
        if request.method == "GET" and path == "/v1/fine_tuning/jobs":
            self.lookups.append(path)
            return await self.jobs(self)
        self.others.append(f"{request.method} {path}")
        return NO_ROUTE if self.further is None else await self.further(self, request)


def lives_at_home(scene: Scene, shape: Shape, body: Json) -> bytes:
    """Answer at the model's endpoint, and deny it everywhere else."""
    if body.get("model", scene.model) != scene.model or scene.home is None:
        return absent(body["model"])
    if shape is scene.home:
        assert _NEEDED[shape] in body, f"not a request for {shape}: {body}"
        return answer(shape, scene.model, streamed=body.get("stream", False))
    if scene.denial is Denial.ABSENT:
        return absent(scene.model)
    return elsewhere(shape, scene.home, scene.model)
