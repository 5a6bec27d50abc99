"""The upstream calls of one request about fine-tunes: to /fine_tuning/jobs and /files."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from gateway.config.settings import UpstreamSettings
from gateway.errors import GatewayError, InvalidRequest, UpstreamError
from gateway.exchange.decision import Decision
from gateway.exchange.errors import failures
from gateway.exchange.errors.error_replies import error_of_reply
from gateway.exchange.legacy.replies import without_body_headers
from gateway.exchange.reply.decompressed import readable
from gateway.exchange.reply.reading import decode_object, identified, read_whole
from gateway.request import Request
from gateway.shapes import Json, Send, UpstreamCall
from gateway.translate.legacy import fine_tunes
from gateway.translate.legacy.fine_tune_events import EventFollower, events_from_job_events
from gateway.translate.parts.sentences import sentence
from gateway.translate.stream.sse import encode_json

JOBS = "/fine_tuning/jobs"
PAGE_SIZE = 100
MAX_PAGES = 200
MAX_EVENTS = 10_000
MAX_FILES = 10
MAX_REPLY_BYTES = 16 * 1024 * 1024
FILE_CONCURRENCY = 4

_OWN_QUERY = frozenset({"stream", "limit", "after"})


class FineTuningCalls:
    """The calls of one client request about one job, or about all (`job_id` empty).

    They are recorded in `decision`.
    """

    def __init__(
        self,
        upstream: UpstreamSettings,
        send: Send,
        call: Request,
        decision: Decision,
        job_id: str = "",
    ) -> None:
        self._upstream = upstream
        self._send = send
        self._headers = call.headers
        self._decision = decision
        self._job_id = job_id
        pairs = parse_qsl(call.query.decode("latin-1"), keep_blank_values=True)
        self._query = [(name, value) for name, value in pairs if name not in _OWN_QUERY]
        self.path = f"{JOBS}/{quote(job_id, safe='')}" if job_id else JOBS
        decision.upstream = upstream.name
        decision.endpoint = f"/v1{self.path}"
        decision.resolved_by = "default"
        self.note()

    def note(self, warning: str = "", **names: tuple[str, ...]) -> None:
        """Record for the header fields what was `dropped` and `changed`, and a warning."""
        listed = [f"{what}={','.join(each)}" for what, each in names.items() if each]
        self._decision.translation = "; ".join(("from=fine-tunes", "to=fine_tuning/jobs", *listed))
        self._decision.warn(warning)

    async def ask(
        self,
        method: str,
        path: str,
        *,
        body: Json | None = None,
        query: Mapping[str, str] = MappingProxyType({}),
    ) -> Json:
        """Return the object that the upstream replies with to one call.

        Raises the upstream's error with the parameter names of the old endpoint, and what `Send`
        raises.
        """
        self._decision.attempts += 1
        reply = await self._send(
            UpstreamCall(
                self._upstream.name,
                method,
                path,
                body=b"" if body is None else encode_json(body),
                query=urlencode([*self._query, *query.items()]).encode("ascii"),
                client_headers=without_body_headers(self._headers, body=body is not None),
            )
        )
        try:
            received = await read_whole(readable(reply), MAX_REPLY_BYTES)
            if 200 <= reply.status < 300:
                return decode_object(received)
            failures.check_own_key(self._upstream, reply.status, received)
            error = error_of_reply(reply.status, reply.headers, received, fine_tunes.client_param)
            raise self._no_such_job(error) if reply.status == 404 and self._job_id else error
        except GatewayError as error:
            identified(error, reply.headers)
            raise

    def _no_such_job(self, error: GatewayError) -> GatewayError:
        return InvalidRequest(
            f"No such fine-tune: {self._job_id[:200]}. The upstream '{self._upstream.name}' says: "
            f"{sentence(error.message)}",
            status=404,
            param=fine_tunes.JOB_ID,
            code=error.code,
        )

    async def entries(self, path: str, limit: int) -> tuple[list[Any], bool]:
        """Return the first `limit` entries of a list, and whether the list is complete."""
        found: list[Any] = []
        async with aclosing(self._pages(path)) as pages:
            async for page in pages:
                found += fine_tunes.entries_of(page)
                more = fine_tunes.next_cursor(page) is not None
                if len(found) > limit or (more and len(found) == limit):
                    return found[:limit], False
        return found, True

    async def poll(self, follower: EventFollower) -> tuple[Json, list[Json]]:
        """Return the job, and the events that are new to `follower`, oldest first.

        The job is requested before its events, so that the events of a job that is over are
        complete.
        """
        job = await self.ask("GET", self.path)
        unseen: list[Any] = []
        async with aclosing(self._pages(f"{self.path}/events")) as pages:
            async for page in pages:
                found = fine_tunes.entries_of(page)
                unseen += found
                if len(unseen) >= MAX_EVENTS or follower.reaches_back(found):
                    break
        return job, follower.take(unseen)

    async def described(self, job: Json, *, strict: bool) -> Json:
        """Return a job as a fine-tune with its events and files.

        With `strict` it raises if the events cannot be read. Without, that is a warning: the client
        must learn of a job that was created or cancelled.
        """
        job_id = job.get("id")
        if not isinstance(job_id, str):
            raise UpstreamError("The upstream's fine-tuning job has no id.")
        events: list[Any] = []
        try:
            events, _ = await self.entries(f"{JOBS}/{quote(job_id, safe='')}/events", MAX_EVENTS)
        except GatewayError as error:
            if strict:
                raise
            self._decision.warn(f"the events could not be read (status {error.status})")
        files = await self._files(fine_tunes.file_ids(job)[:MAX_FILES])
        return fine_tunes.fine_tune_from_job(job, events_from_job_events(events), files)

    async def _pages(self, path: str) -> AsyncGenerator[Json, None]:
        """Yield the pages of a list to the last one; stops if a cursor repeats."""
        query = {"limit": str(PAGE_SIZE)}
        for _ in range(MAX_PAGES):
            page = await self.ask("GET", path, query=query)
            yield page
            cursor = fine_tunes.next_cursor(page)
            if cursor is None or cursor == query.get("after"):
                return
            query = {**query, "after": cursor}

    async def _files(self, ids: Sequence[str]) -> dict[str, object]:
        """Return the file objects by id; None for one that cannot be read, as it was deleted."""
        semaphore = asyncio.Semaphore(FILE_CONCURRENCY)
        found: dict[str, object] = {}

        async def fetch(file_id: str) -> None:
            async with semaphore:
                try:
                    found[file_id] = await self.ask("GET", f"/files/{quote(file_id, safe='')}")
                except GatewayError:
                    found[file_id] = None

        await asyncio.gather(*(fetch(file_id) for file_id in ids))
        return found
