"""Begins and ends the spans of requests and of their upstream calls."""

from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from functools import partial

from gateway.config.settings import Settings, UpstreamSettings
from gateway.errors import UpstreamError
from gateway.observe.record import FinishedRequest
from gateway.observe.tracing.context import FIELDS, Context, Sampler, context_of
from gateway.observe.tracing.export import Exporting
from gateway.observe.tracing.reply import TracedReply
from gateway.observe.tracing.spans import CallSpan, RequestSpan, Target
from gateway.shapes import ClientHeaders, RawHeaders, Send, Shape, UpstreamCall, UpstreamReply

_CURRENT: ContextVar[RequestSpan | None] = ContextVar("span", default=None)
"""The span of the request that a task, or one that it has started, serves."""

_ENDPOINTS = {shape.value: shape.endpoint for shape in Shape}
_PROVIDERS = {
    "azure": "azure.ai.openai",
    "gemini": "gcp.gemini",
    "mistral": "mistral_ai",
    "auto": "openai",
    "other": "openai",
}
"""`gen_ai.provider.name` of kinds; others have their own name. Unknown servers speak OpenAI's API,
and the attribute says which conventions apply."""


class Tracer:
    """Traces requests: a `Tracing` of the API and a `RecordObserver`."""

    def __init__(self, settings: Settings, exporting: Exporting) -> None:
        self._sampler = Sampler(settings.tracing.sample_ratio)
        self._exporting = exporting
        self._targets: Mapping[str, Target] = {
            upstream.name: _target(upstream) for upstream in settings.upstreams
        }

    def without_context(self, headers: ClientHeaders) -> ClientHeaders:
        """Return a request's fields without its trace context: upstreams get the call's."""
        if any(name in FIELDS for name, _ in headers):
            return ClientHeaders(field for field in headers if field[0] not in FIELDS)
        return headers

    def beginning(
        self, method: str, path: str, shape: str, headers: RawHeaders
    ) -> Callable[[], None]:
        """Return a function that begins the span of a request with this head.

        `headers` are the client's, with its trace context; `shape` is the shape that the client
        called, or `other`.
        """
        parent = context_of(headers)
        return partial(self._begin, parent, method, path, _ENDPOINTS.get(shape, ""))

    def finished(self, request: FinishedRequest) -> None:
        """End the span of the current request, and hand it on for export."""
        span = _CURRENT.get()
        if span is not None:
            _CURRENT.set(None)
            if span.context.is_sampled:
                span.end(request.record())
                self._exporting.put(span)

    def sending(self, send: Send) -> Send:
        """Return a `Send` that traces each call of a traced request."""

        def traced(call: UpstreamCall) -> Awaitable[UpstreamReply]:
            request = _CURRENT.get()
            if request is None:
                return send(call)
            context = request.context.child()
            call.trace = context.fields()
            if not context.is_sampled:
                return send(call)
            return self._sent(send, call, request, context)

        return traced

    async def aclose(self) -> None:
        """Export what is finished, as far as that is possible within the deadline."""
        await self._exporting.aclose()

    def _begin(self, parent: Context | None, method: str, path: str, route: str) -> None:
        _CURRENT.set(RequestSpan(self._sampler.start(parent), parent, method, path, route))

    async def _sent(
        self, send: Send, call: UpstreamCall, request: RequestSpan, context: Context
    ) -> UpstreamReply:
        span = CallSpan(
            context, self._targets[call.upstream], call.method, call.path, call.model or ""
        )
        request.calls.append(span)
        try:
            reply = await send(call)
        except UpstreamError as error:
            span.end(error.reason)
            raise
        finally:
            span.resends = call.resends
            span.address = call.address or span.target.base_url
        return TracedReply(reply, span)


def _target(upstream: UpstreamSettings) -> Target:
    kind = upstream.kind.name
    return Target(
        upstream.name,
        _PROVIDERS.get(kind, kind),
        upstream.base_url,
    )
