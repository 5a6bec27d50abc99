"""Serves /v1/fine-tunes: what each of its requests becomes at /v1/fine_tuning/jobs.

All requests go to one upstream, the first that can have jobs, because the id of a job does not say
which upstream has it.
"""

import asyncio
from urllib.parse import parse_qs

from gateway.config.settings import ModelRule, Settings, UpstreamSettings
from gateway.errors import InvalidRequest
from gateway.exchange.client_reply import ClientReply, event_stream_reply, json_reply
from gateway.exchange.decision import Decision
from gateway.exchange.legacy.fine_tuning_calls import JOBS, MAX_EVENTS, FineTuningCalls
from gateway.exchange.legacy.job_events import JobEvents, Sleep
from gateway.exchange.restricted import restrictions
from gateway.exchange.restricted.allowed_models import check_allowed
from gateway.request import Request
from gateway.resolve.resolver import Resolver
from gateway.shapes import Json, Send
from gateway.translate.legacy import fine_tunes
from gateway.translate.legacy.fine_tune_events import EventFollower, events_from_job_events
from gateway.translate.stream.sse import encode_json

MAX_JOBS = 1000


class FineTunes:
    """Serves the fine-tunes endpoints. `sleep` waits the given seconds between polls of a job."""

    def __init__(
        self, settings: Settings, resolver: Resolver, send: Send, sleep: Sleep = asyncio.sleep
    ) -> None:
        self._settings = settings
        self._resolver = resolver
        self._send = send
        self._sleep = sleep
        default = settings.upstreams[0]
        self.native = default.kind.own_fine_tunes
        """Whether the default upstream has its own /v1/fine-tunes, with other formats."""
        able = (each for each in settings.upstreams if _has_jobs(each))
        self._upstream = next(able, default)

    async def create(self, call: Request, body: Json, decision: Decision) -> ClientReply:
        """Create a job.

        Raises `InvalidRequest` for wrong parameters, `UnsupportedParameter` for those that jobs do
        not have.
        """
        model = fine_tunes.model_of(body)
        check_allowed(call.client, model)
        rule = self._rule(model)
        settings = (rule and rule.translation) or self._settings.translation
        alias = rule.model if rule is not None else None
        if rule is not None and rule.rewrites:
            # A glob only renames the model, so a retired one still gets its successor.
            body, alias = {**body, "model": rule.model_for(model) or model}, None
        request = fine_tunes.request_to_job(body, settings, alias=alias)
        calls = self._calls(call, decision)
        calls.note(request.warning, dropped=request.dropped, changed=request.changed)
        job = await calls.ask("POST", JOBS, body=request.body)
        return json_reply(encode_json(await calls.described(job, strict=False)))

    async def all(self, call: Request, decision: Decision) -> ClientReply:
        """Return all jobs, up to `MAX_JOBS`: the old endpoint had no pages."""
        calls = self._calls(call, decision)
        jobs, complete = await calls.entries(JOBS, MAX_JOBS)
        if not complete:
            calls.note(f"only the first {MAX_JOBS} fine-tunes are listed")
        return json_reply(encode_json(fine_tunes.fine_tunes_from_jobs(jobs)))

    async def retrieve(self, call: Request, job_id: str, decision: Decision) -> ClientReply:
        """Return one job with its events and files."""
        calls = self._calls(call, decision, job_id)
        job = await calls.ask("GET", calls.path)
        return json_reply(encode_json(await calls.described(job, strict=True)))

    async def cancel(self, call: Request, job_id: str, decision: Decision) -> ClientReply:
        """Cancel a job and return it."""
        calls = self._calls(call, decision, job_id)
        job = await calls.ask("POST", f"{calls.path}/cancel")
        return json_reply(encode_json(await calls.described(job, strict=False)))

    async def events(self, call: Request, job_id: str, decision: Decision) -> ClientReply:
        """Return the events of a job so far or, with `stream=true`, all until it ends."""
        calls = self._calls(call, decision, job_id)
        stream = parse_qs(call.query.decode("latin-1")).get("stream", [""])[-1]
        if stream.lower() in ("true", "1"):
            return await self._follow(calls)
        events, complete = await calls.entries(f"{calls.path}/events", MAX_EVENTS)
        if not complete:
            calls.note(f"only the last {MAX_EVENTS} events are listed")
        return json_reply(encode_json({"object": "list", "data": events_from_job_events(events)}))

    def _calls(self, call: Request, decision: Decision, job_id: str = "") -> FineTuningCalls:
        restrictions.check_query(call)
        return FineTuningCalls(self._upstream, self._send, call, decision, job_id)

    def _rule(self, model: str) -> ModelRule | None:
        rule = self._resolver.rule_for(model)
        if rule is not None and rule.upstream not in (None, self._upstream.name):
            raise InvalidRequest(
                f"'{model[:200]}' is configured for upstream '{rule.upstream}', but fine-tunes are "
                f"made at '{self._upstream.name}'. Use another model.",
                param="model",
                code="invalid_value",
            )
        return rule

    async def _follow(self, calls: FineTuningCalls) -> ClientReply:
        """Return the stream of a job's events; the first poll has shown that the job exists."""
        follower = EventFollower()
        job, events = await calls.poll(follower)
        interval = self._settings.server.keepalive_interval
        body = JobEvents(calls, follower, job, events, sleep=self._sleep, interval=interval)
        return event_stream_reply(body)


def _has_jobs(upstream: UpstreamSettings) -> bool:
    return upstream.kind.has_jobs and not upstream.kind.own_fine_tunes
