"""What the operators' listener shows to those who may see it."""

import asyncio
from importlib import import_module

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from gateway.admin.counters.sums import Sums
from gateway.admin.entry.bodies import read_json, text_in
from gateway.admin.live import Live
from gateway.admin.overview import Overview
from gateway.config.settings import Settings
from gateway.errors import GatewayError, InvalidRequest
from gateway.observe.recent import Wanted
from gateway.shapes import Json


class Views:
    """The handlers of the listener: each returns a response, or what becomes one as JSON."""

    def __init__(self, settings: Settings, sums: Sums, overview: Overview, live: Live) -> None:
        self._settings = settings
        self._sums = sums
        self._overview = overview
        self._live = live

    async def metrics(self, _: Request) -> Response:
        """Return the metrics of all workers in Prometheus' format."""
        # Loading Prometheus' library, and writing thousands of series, takes as long as hundreds of
        # requests, which need not wait for it. It takes memory, too, which only gateways that are
        # scraped should spend.
        library = await asyncio.to_thread(import_module, "gateway.admin.counters.exposition")
        text = await asyncio.to_thread(library.exposition, await self._sums.families())
        return Response(text, headers={"content-type": library.CONTENT_TYPE})

    async def live(self, request: Request) -> Response:
        """Return the page's event stream; raises `GatewayError` if too many are open."""
        if self._live.full:
            raise GatewayError(
                "Too many pages are open; close one.",
                status=503,
                type="server_error",
                code="too_many_pages",
            )
        events = self._live.events(_wanted(request))
        return StreamingResponse(events, media_type="text/event-stream")

    async def requests(self, request: Request) -> object:
        """Return recent requests, newest first."""
        return (await self._overview.look({}, _wanted(request)))["requests"]

    async def upstreams(self, _: Request) -> object:
        """Return the upstreams with their figures."""
        return (await self._overview.look({}, Wanted()))["upstreams"]

    async def learned(self, _: Request) -> object:
        """Return the learned endpoints, newest first."""
        return await self._overview.learned()

    async def forget(self, request: Request) -> object:
        """Forget what was learned of a model at an upstream; raises `GatewayError`."""
        fields = await read_json(request)
        upstream, model = _required(fields, "upstream"), _required(fields, "model")
        forgotten = await self._overview.forget(upstream, model)
        configured = [each.name for each in self._settings.upstreams]
        if not forgotten and upstream not in configured:
            raise InvalidRequest(
                f"'upstream' is not a configured upstream. There are: {', '.join(configured)}.",
                status=404,
                param="upstream",
                code="unknown_upstream",
            )
        return {"forgotten": forgotten}

    async def configuration(self, _: Request) -> Response:
        """Return the configuration in use as YAML, without secrets."""
        from gateway.admin.configuration import as_yaml

        return Response(as_yaml(self._settings), media_type="text/plain")


def _required(fields: Json, name: str) -> str:
    text = text_in(fields, name)
    if not text:
        raise InvalidRequest(
            f"Give '{name}': /forget takes the upstream and the model of a learned endpoint.",
            param=name,
            code="missing_required_parameter",
        )
    return text


def _wanted(request: Request) -> Wanted:
    query = request.query_params
    return Wanted(query.get("client", ""), query.get("model", ""), query.get("outcome", ""))
