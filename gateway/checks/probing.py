"""What every upstream answers, for `gateway check --probe`. Nothing is generated.

An endpoint is called with a body that is not JSON: a server refuses that only where it has the
endpoint, and no server can generate anything from it.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from gateway.app import Application
from gateway.checks.checking import key_advice
from gateway.config.checks.addresses import path_of
from gateway.config.checks.own_keys import holds_key
from gateway.config.settings import CredentialPolicy, UpstreamSettings
from gateway.envelopes.refused_keys import refuses_certificate, refuses_key
from gateway.errors import GatewayError, Reason
from gateway.exchange.errors.failures import NO_ROUTE
from gateway.headers import JSON
from gateway.resolve.metadata.cache import LookupFailed
from gateway.resolve.refusals.classify import Verdict, classify
from gateway.servers import Profile
from gateway.shapes import RawHeaders, Shape, UpstreamCall, UpstreamReply

_BROKEN_JSON = b"{"
_MAX_REFUSAL = 64 * 1024
_UNAUTHORIZED = 401
_NO_ENTRY = (_UNAUTHORIZED, 403, 407)
_UNRELATED = (402, 408, 429)
"""Refusals that come before the endpoint is looked for, or for another reason."""


class Served(Enum):
    """Whether an upstream has an endpoint."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "?"


class Key(Enum):
    """What an upstream makes of the credential that it is called with."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNNEEDED = "unneeded"
    """It answers without one."""
    MISSING = "missing"
    """It wants one, and there is none to try."""
    UNKNOWN = "?"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What is known about one endpoint, and what showed it."""

    served: Served
    detail: str
    status: int | None = None
    """The status of the reply; None without one."""


@dataclass(frozen=True, slots=True)
class Probe:
    """What one upstream has answered."""

    upstream: UpstreamSettings
    kind: Profile
    models: int | LookupFailed
    """The length of its model list, or why that is unknown."""
    endpoints: Mapping[Shape, Endpoint]
    key: Key
    failing: Mapping[str, Reason]
    """The addresses that do not answer, by base URL, if there are several."""
    problem: str
    """Why requests to it would fail, and what to do; empty: nothing is wrong."""

    @property
    def doubts(self) -> list[str]:
        """What could not be found out, a sentence each."""
        if self.key is Key.MISSING:
            return ["requires a key, and there is none to try; set OPENAI_API_KEY"]
        silent = [f"{url} does not answer ({reason})" for url, reason in self.failing.items()]
        found = [
            f"{shape.endpoint}: {endpoint.detail}"
            for shape, endpoint in self.endpoints.items()
            if endpoint.served is Served.UNKNOWN
        ]
        unlisted = [self.models.reason] if isinstance(self.models, LookupFailed) else []
        return [*silent, *unlisted, *found]


async def probe_all(application: Application, headers: RawHeaders) -> list[Probe]:
    """Ask all upstreams at once, as a client with these header fields.

    Each part of it may take `timeouts.metadata`.
    """
    upstreams = application.settings.upstreams
    return await asyncio.gather(*(_probe(application, each, headers) for each in upstreams))


async def _probe(
    application: Application, upstream: UpstreamSettings, headers: RawHeaders
) -> Probe:
    listing = UpstreamCall(upstream.name, "GET", "/models", client_headers=headers)
    listed, endpoints, failing = await asyncio.gather(
        _count(application, upstream, headers),
        asyncio.gather(*(_endpoint(application, upstream, shape, headers) for shape in Shape)),
        application.upstreams.failing(listing, upstream.timeouts.metadata),
    )
    kind = application.lookup.kind(upstream)
    shapes = dict(zip(Shape, endpoints, strict=True))
    # Others may want another key: Anthropic's takes its own, and chat there takes a bearer token.
    known = [endpoint for shape, endpoint in shapes.items() if shape in kind.routes]
    key = _key(upstream, headers, listed, known or endpoints)
    problem = _problem(upstream, headers, key, listed, endpoints)
    if problem and all(endpoint.served is Served.NO for endpoint in endpoints):
        problem += await _advice(application, upstream, headers)
    return Probe(upstream, kind, listed, shapes, key, failing, problem)


async def _count(
    application: Application, upstream: UpstreamSettings, headers: RawHeaders
) -> int | LookupFailed:
    listed = (await application.lookup.models(upstream, headers)).value
    return listed if isinstance(listed, LookupFailed) else len(listed.cards)


async def _endpoint(
    application: Application, upstream: UpstreamSettings, shape: Shape, headers: RawHeaders
) -> Endpoint:
    if upstream.kind.deployments:
        return Endpoint(Served.UNKNOWN, "is served for each deployment, and was not called")
    call = UpstreamCall(
        upstream.name, "POST", shape.path, _BROKEN_JSON, client_headers=(*headers, JSON)
    )
    seconds = upstream.timeouts.metadata
    end = asyncio.get_running_loop().time() + seconds
    try:
        reply = await application.upstreams.ask(call, seconds)
    except GatewayError as error:
        return Endpoint(Served.UNKNOWN, error.message)
    return _judged(shape, reply.status, await _body(reply, end))


async def _body(reply: UpstreamReply, end: float) -> bytes:
    """Return the beginning of a reply's body; what has not come at the end is left out."""
    body = b""
    try:
        async with asyncio.timeout_at(end):
            async for chunk in reply.chunks():
                body += chunk
                if len(body) > _MAX_REFUSAL:
                    break
    except (GatewayError, TimeoutError):
        return body
    finally:
        await reply.aclose()
    return body


def _judged(shape: Shape, status: int, body: bytes) -> Endpoint:
    if refuses_certificate(status, body):
        return Endpoint(Served.UNKNOWN, "accepts no client certificate; check tls", status)
    if refuses_key(body):
        return Endpoint(Served.UNKNOWN, f"status {status}", _UNAUTHORIZED)
    missing = classify(shape, status, body, model="").verdict is Verdict.UNKNOWN_ROUTE
    if missing or status in NO_ROUTE:
        return Endpoint(Served.NO, f"status {status}", status)
    refused = 400 <= status <= 500 and status not in {*_NO_ENTRY, *_UNRELATED}
    return Endpoint(Served.YES if refused else Served.UNKNOWN, f"status {status}", status)


def _key(
    upstream: UpstreamSettings,
    headers: RawHeaders,
    listed: int | LookupFailed,
    endpoints: list[Endpoint],
) -> Key:
    statuses = {endpoint.status for endpoint in endpoints}
    if isinstance(listed, LookupFailed):
        statuses.add(listed.status)
    has_answered = not isinstance(listed, LookupFailed) or any(
        endpoint.served is Served.YES for endpoint in endpoints
    )
    is_callers = upstream.credential is CredentialPolicy.CALLER and bool(headers)
    sent = is_callers or holds_key(upstream)
    # Some servers have public lists, and some keys may generate but not list.
    if 401 in statuses or (statuses & {*_NO_ENTRY} and not has_answered):
        return Key.REFUSED if sent else Key.MISSING
    if not has_answered:
        return Key.UNKNOWN
    return Key.ACCEPTED if sent else Key.UNNEEDED


def _problem(
    upstream: UpstreamSettings,
    headers: RawHeaders,
    key: Key,
    listed: int | LookupFailed,
    endpoints: list[Endpoint],
) -> str:
    failed = listed if isinstance(listed, LookupFailed) else None
    if failed and failed.status is None and all(each.status is None for each in endpoints):
        return failed.reason
    if key is Key.REFUSED:
        return f"refuses the key; {key_advice(upstream, headers)}"
    if key is Key.MISSING:
        # Clients bring their own: the configuration may be right.
        is_callers = upstream.credential is CredentialPolicy.CALLER
        return "" if is_callers else f"requires a key; {key_advice(upstream, headers)}"
    if upstream.kind.deployments or any(each.served is Served.YES for each in endpoints):
        return ""
    if all(each.served is Served.NO for each in endpoints):
        return f"has no generation endpoint at {upstream.base_url}"
    return f"shows no generation endpoint ({endpoints[0].detail})"


async def _advice(application: Application, upstream: UpstreamSettings, headers: RawHeaders) -> str:
    """Return what to write instead, if the server answers below /v1."""
    if path_of(upstream.base_url).endswith("/v1"):
        return "; check base_url"
    call = UpstreamCall(upstream.name, "GET", "/v1/models", client_headers=headers)
    try:
        reply = await application.upstreams.ask(call, upstream.timeouts.metadata)
    except GatewayError:
        return "; check base_url"
    await reply.aclose()
    if reply.status not in {200, *_NO_ENTRY}:
        return "; check base_url"
    return f", but answers below /v1; write base_url: {upstream.base_url}/v1"
