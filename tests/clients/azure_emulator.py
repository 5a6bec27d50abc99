"""Azure OpenAI before the strict emulator: deployments in the path, Azure's errors and habits.

A deployment's request becomes the emulator's by rewriting path, key and model; what Azure itself
refuses is answered here, in its own words (tests/resolve/data/errors.jsonl has the sources).
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from starlette.types import Message, Receive, Scope, Send

from gateway.config.secret import Secret
from gateway.config.settings import CredentialPolicy, UpstreamSettings
from gateway.demo import emulator
from gateway.demo.models import ALL_MODELS, Endpoint
from tests import kinds

KEY = "sk-azure-resource-key"
TOKEN = "eyJ0eXAi.eyJhdWQi.c2ln"
"""A token of Entra ID."""
DEPLOYMENTS = {
    "support": "gpt-4o-mini",
    "writer": "davinci-002",
    "gpt-4o-mini": "gpt-4o-mini",
    "davinci-002": "davinci-002",
    "coder": "gpt-5-codex",
    "vectors": "text-embedding-3-small",
    "voice": "tts-1",
}
"""What is deployed, under names that say nothing and under the models' own."""

_MODELS = {model.id: model for model in ALL_MODELS}
_OPERATIONS = {
    Endpoint.COMPLETIONS: "completion",
    Endpoint.CHAT: "chatCompletion",
    Endpoint.EMBEDDINGS: "embeddings",
}
_DEPLOYMENT = re.compile(r"/openai/deployments/(?P<name>[^/]+)(?P<below>/.+)")
_DATED = re.compile(r"\d{4}-\d\d-\d\d(-preview)?")
_FILTER_CHUNK = {
    "choices": [],
    "created": 0,
    "id": "",
    "model": "",
    "object": "",
    "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": {}}],
}
"""Azure's first chunk of a stream."""


@dataclass(frozen=True)
class Refusal(Exception):
    status: int
    code: str
    message: str


RESOURCE_NOT_FOUND = Refusal(404, "404", "Resource not found")
ACCESS_DENIED = Refusal(
    401,
    "401",
    "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a "
    "valid key for an active subscription and use a correct regional API endpoint for your "
    "resource.",
)
NO_DEPLOYMENT = Refusal(
    404,
    "DeploymentNotFound",
    "The API deployment for this resource does not exist. If you created the deployment within "
    "the last 5 minutes, please wait a moment and try again.",
)
BAD_VERSION = Refusal(400, "BadRequest", "API version not supported")


def wrong_operation(operation: str, model: str) -> Refusal:
    return Refusal(
        400,
        "OperationNotSupported",
        f"The {operation} operation does not work with the specified model, {model}. Please choose "
        "different model and try again. You can learn more about which models can be used with "
        "each operation here: https://go.microsoft.com/fwlink/?linkid=2197993.",
    )


class AzureEmulator(emulator.Emulator):
    """`targets` has the method and target of every request, in order."""

    def __init__(self) -> None:
        openai = emulator.build()
        super().__init__(openai._accounts, 0.0, 1000)
        self.targets: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raw: bytes = scope["raw_path"]
        query: bytes = scope["query_string"]
        target = raw + (b"?" + query if query else b"")
        self.targets.append(f"{scope['method']} {target.decode('ascii')}")
        body = await _whole(receive)
        try:
            path, changed = self._rewritten(scope, body)
        except Refusal as refusal:
            await _refuse(refusal, send)
            return
        there = {**scope, "path": path, "raw_path": path.encode(), "headers": _as_bearer(scope)}
        replay = iter([{"type": "http.request", "body": changed, "more_body": False}])

        async def received() -> Message:
            return next(replay, None) or await receive()

        await super().__call__(there, received, _with_filter_chunk(send, path))

    def _rewritten(self, scope: Scope, body: bytes) -> tuple[str, bytes]:
        """Return OpenAI's path and body for a request; raises `Refusal`."""
        path: str = scope["path"]
        headers = dict(scope["headers"])
        if path.startswith("/anthropic/"):
            return _at_anthropics(path, headers, scope["query_string"]), body
        if headers.get(b"api-key") != KEY.encode():
            raise ACCESS_DENIED
        version = parse_qs(scope["query_string"].decode()).get("api-version", [""])
        if path.startswith("/openai/v1/"):
            if _DATED.fullmatch(version[0]):
                raise BAD_VERSION
            return path.removeprefix("/openai"), _at_v1(body)
        if len(version) != 1 or not _DATED.fullmatch(version[0]):
            raise RESOURCE_NOT_FOUND
        deployment = _DEPLOYMENT.fullmatch(path)
        if deployment is None:
            return path.replace("/openai/", "/v1/", 1), body
        path = f"/v1{deployment['below']}"
        model = _deployed(deployment["name"])
        endpoint = Endpoint(path)
        if endpoint not in _MODELS[model].endpoints:
            raise wrong_operation(_OPERATIONS[endpoint], model)
        return path, _with_model(body, model)


def _at_anthropics(path: str, headers: dict[bytes, bytes], query: bytes) -> str:
    """Return Anthropic's path for a request to the other service of the resource."""
    if b"api-key" in headers or headers.get(b"x-api-key", KEY.encode()) != KEY.encode():
        raise ACCESS_DENIED
    is_entra = headers.get(b"authorization") == f"Bearer {TOKEN}".encode()
    if is_entra is (b"x-api-key" in headers):
        raise ACCESS_DENIED
    if b"anthropic-version" not in headers or b"api-version" in query:
        raise RESOURCE_NOT_FOUND
    return path.removeprefix("/anthropic")


def _at_v1(body: bytes) -> bytes:
    if not body:
        return body
    named: str = json.loads(body)["model"]
    return _with_model(body, _deployed(named))


def _deployed(name: str) -> str:
    if name not in DEPLOYMENTS:
        raise NO_DEPLOYMENT
    return DEPLOYMENTS[name]


def _with_model(body: bytes, model: str) -> bytes:
    return json.dumps({**json.loads(body), "model": model}).encode()


def _as_bearer(scope: Scope) -> list[tuple[bytes, bytes]]:
    left = (b"api-key", b"x-api-key", b"authorization", b"content-length")
    kept = [pair for pair in scope["headers"] if pair[0] not in left]
    return [*kept, (b"authorization", b"Bearer " + KEY.encode())]


def _with_filter_chunk(send: Send, path: str) -> Send:
    """Put Azure's first chunk before the events of a chat or completions stream."""
    first = path in (Endpoint.CHAT, Endpoint.COMPLETIONS)

    async def sent(message: Message) -> None:
        nonlocal first
        if message["type"] == "http.response.start":
            kinds = [value for name, value in message["headers"] if name == b"content-type"]
            first = first and kinds[0].startswith(b"text/event-stream")
        elif first and message.get("body"):
            first = False
            chunk = f"data: {json.dumps(_FILTER_CHUNK)}\n\n".encode()
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send(message)

    return sent


async def _whole(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        piece: bytes = message.get("body", b"")
        body += piece
        if not message.get("more_body", False):
            return body


async def _refuse(refusal: Refusal, send: Send) -> None:
    error = {"code": refusal.code, "message": refusal.message}
    body = json.dumps({"error": error}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"apim-request-id", b"0a1b2c3d"),
    ]
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@dataclass
class Resource:
    """A running Azure resource: `url` is its root, without a slash."""

    url: str
    emulator: AzureEmulator = field(repr=False)

    @property
    def targets(self) -> list[str]:
        return self.emulator.targets

    def posted(self) -> list[str]:
        """Where requests were posted to. What is looked up meanwhile is got."""
        posts = [target for target in self.targets if target.startswith("POST ")]
        return [target.removeprefix("POST ") for target in posts]

    def generated(self) -> list[str]:
        """The paths that requests were posted to, without their queries."""
        return [target.partition("?")[0] for target in self.posted()]


@contextmanager
def azure_resource() -> Iterator[Resource]:
    azure = AzureEmulator()
    with emulator.serve(azure) as served:
        yield Resource(served.base_url.removesuffix("/v1"), azure)


def azure_upstream(resource: Resource, base: str = "", **more: Any) -> UpstreamSettings:
    return UpstreamSettings(
        "azure", resource.url + base, kinds.AZURE, CredentialPolicy.KEY, Secret(KEY), **more
    )
