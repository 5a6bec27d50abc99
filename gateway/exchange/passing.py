"""Everything that is not generation: passed on as it is, streamed both ways.

The request goes to the upstream its `model` belongs to, or to the default one. Bodies are not held:
only the beginning is read ahead, to find the model's name in JSON or in a multipart form.
"""

import re
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field

import msgspec

from gateway.config.settings import ClientSettings, CredentialPolicy, ModelRule, Settings
from gateway.errors import InvalidRequest
from gateway.exchange import failures
from gateway.exchange.message import ClientReply, Decision, read_object, read_routed
from gateway.exchange.relay import passed_on
from gateway.exchange.sending import header
from gateway.resolve.resolver import Question, Resolver
from gateway.shapes import RawHeaders, Send, Shape, UpstreamCall

READ_AHEAD_BYTES = 64 * 1024

_MULTIPART_MODEL = re.compile(
    rb'(content-disposition:\s*form-data;\s*name="?model"?\s*\r\n'
    rb"(?:[!-9;-~]+:[^\r\n]*\r\n)*\r\n)([^\r\n]{1,512})\r\n",
    re.IGNORECASE,
)


class _ModelOnly(msgspec.Struct, gc=False):
    model: object = None


_model_decoder = msgspec.json.Decoder(_ModelOnly)


@dataclass(frozen=True, slots=True)
class PassedCall:
    """A request at any other path below `/v1`, its body perhaps not yet here."""

    method: str
    path: str
    """Below `/v1`, with a leading slash, as it came (still percent-encoded)."""
    query: bytes
    headers: RawHeaders = field(repr=False)
    body: bytes | AsyncIterator[bytes] = field(repr=False, default=b"")
    client: ClientSettings | None = None


class Passing:
    """Forwards what the gateway does not translate."""

    def __init__(self, settings: Settings, resolver: Resolver, send: Send) -> None:
        self._settings = settings
        self._resolver = resolver
        self._send = send
        self._by_model = len(settings.upstreams) > 1 or bool(settings.models) or settings.clients

    async def run(self, call: PassedCall, decision: Decision) -> ClientReply:
        """Forward one request; raises `GatewayError` before the reply has begun."""
        upstream = self._settings.upstreams[0].name
        body = call.body
        if self._by_model and call.method in ("POST", "PUT", "PATCH"):
            upstream, body = await self._routed(call)
        decision.upstream = upstream
        decision.endpoint = f"/v1{call.path}"
        decision.resolved_by = (
            "config" if upstream != self._settings.upstreams[0].name else "default"
        )
        decision.attempts = 1
        length = header(call.headers, b"content-length")
        unchanged = body is call.body
        reply = await self._send(
            UpstreamCall(
                upstream,
                call.method,
                call.path,
                body=body,
                query=call.query,
                client_headers=call.headers,
                body_length=int(length) if unchanged and length.isdigit() else None,
            )
        )
        own_key = self._settings.upstream(upstream).credential is CredentialPolicy.KEY
        if own_key and reply.status in (401, 403):
            await reply.aclose()
            raise failures.own_key_refused(upstream)
        return ClientReply(reply.status, list(reply.headers), passed_on(reply))

    async def _routed(self, call: PassedCall) -> tuple[str, bytes | AsyncIterator[bytes]]:
        """Find the model in the body; return its upstream and the body with the name to send."""
        prefix, rest = await _read_ahead(call.body)
        content_type = header(call.headers, b"content-type").lower()
        found = _multipart_model(prefix) if b"multipart/" in content_type else None
        if found is None and (rest is None or b"json" in content_type):
            if rest is not None:
                prefix, rest = await _read_all(prefix, rest, self._settings), None
            found = _json_model(prefix)
        if found is None:
            _check_nameless(
                call, prefix, whole=rest is None, multipart=b"multipart/" in content_type
            )
            return self._settings.upstreams[0].name, _joined(prefix, rest)
        failures.check_allowed(call.client, found)
        rule = self._resolver.rule_for(found)
        upstream = await self._upstream(found, rule, call.headers)
        if rule is not None and rule.model is not None and rule.model != found:
            prefix = _with_model(prefix, rule.model, multipart=b"multipart/" in content_type)
        return upstream, _joined(prefix, rest)

    async def _upstream(self, model: str, rule: ModelRule | None, headers: RawHeaders) -> str:
        if rule is not None and rule.upstream is not None:
            return rule.upstream
        if len(self._settings.upstreams) == 1:
            return self._settings.upstreams[0].name
        return (await self._resolver.resolve(Question(model, Shape.CHAT, headers=headers))).upstream


def _check_nameless(call: PassedCall, prefix: bytes, *, whole: bool, multipart: bool) -> None:
    """Refuse a restricted client's body where a model may be named that could not be read.

    Other parsers are more lenient (lone surrogates are JSON to Python), and a form's `model` may
    stand behind its file. Uploads of files name no model.
    """
    if call.client is None or "*" in call.client.models or not prefix:
        return
    if not multipart:
        read_routed(prefix)
    elif not whole and not call.path.startswith(("/files", "/uploads")):
        raise InvalidRequest(
            "Put the form field 'model' before the file, where the gateway can read it: your key "
            "is for certain models only.",
            param="model",
        )


async def _read_ahead(
    body: bytes | AsyncIterator[bytes],
) -> tuple[bytes, AsyncIterator[bytes] | None]:
    if isinstance(body, bytes):
        return body, None
    prefix = bytearray()
    async for chunk in body:
        prefix += chunk
        if len(prefix) >= READ_AHEAD_BYTES:
            return bytes(prefix), body
    return bytes(prefix), None


async def _read_all(prefix: bytes, rest: AsyncIterator[bytes], settings: Settings) -> bytes:
    whole = bytearray(prefix)
    async for chunk in rest:
        whole += chunk
        failures.check_size(len(whole), settings.server.max_body_bytes)
    return bytes(whole)


def _joined(prefix: bytes, rest: AsyncIterator[bytes] | None) -> bytes | AsyncIterator[bytes]:
    return prefix if rest is None else _chained(prefix, rest)


async def _chained(prefix: bytes, rest: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    yield prefix
    async for chunk in rest:
        yield chunk


def _json_model(body: bytes) -> str | None:
    """Return the body's model; what is no JSON object is the upstream's to refuse."""
    try:
        model = _model_decoder.decode(body).model
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return model if isinstance(model, str) and model else None


def _multipart_model(prefix: bytes) -> str | None:
    match = _MULTIPART_MODEL.search(prefix)
    return match.group(2).decode("utf-8", "replace") if match else None


def _with_model(prefix: bytes, model: str, *, multipart: bool) -> bytes:
    if multipart:
        return _MULTIPART_MODEL.sub(lambda m: m.group(1) + model.encode() + b"\r\n", prefix, 1)
    return msgspec.json.encode({**read_object(prefix), "model": model})
