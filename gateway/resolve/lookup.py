"""Fetches what an upstream says about its models: the model list, and the fine-tuning jobs.

The network is handed in as `Send`; the payloads are read by `metadata` and `jobs`. Every answer is
cached per (upstream, credential fingerprint), because lists are scoped to the key.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

import msgspec

from gateway.config.settings import Kind, MemorySettings, Settings, UpstreamSettings
from gateway.errors import GatewayError
from gateway.resolve.jobs import read_checkpoints, read_jobs
from gateway.resolve.memory import Clock, Found, LookupCache, LookupFailed, Owner
from gateway.resolve.metadata import ModelCard, read_models, recognise
from gateway.shapes import RawHeaders, Send, UpstreamCall

MAX_BODY_BYTES = 16 * 1024 * 1024
MAX_JOB_PAGES = 100
MAX_CHECKPOINT_JOBS = 50
CHECKPOINT_CONCURRENCY = 4

_CREDENTIAL_HEADERS = frozenset(
    {b"authorization", b"api-key", b"openai-organization", b"openai-project"}
)
_NO_JOBS = frozenset(
    {
        *(Kind.VLLM, Kind.SGLANG, Kind.TGI, Kind.LLAMACPP, Kind.LLAMA_CPP_PYTHON, Kind.OLLAMA),
        *(Kind.LMSTUDIO, Kind.LOCALAI, Kind.OPENROUTER, Kind.GROQ, Kind.DEEPSEEK, Kind.GEMINI),
        *(Kind.GITHUB, Kind.HUGGINGFACE),
    }
)

Fingerprint = Callable[[str, RawHeaders], str]
"""(upstream name, client headers) → a keyed hash of the credential the upstream would see."""


@dataclass(frozen=True, slots=True)
class ModelList:
    """One upstream's model list as one credential sees it, and the kind of server that wrote it."""

    cards: Mapping[str, ModelCard] = field(default_factory=dict)
    kind: Kind = Kind.OTHER


@dataclass(frozen=True, slots=True)
class Lineage:
    """Fine-tuned model (or checkpoint) → the model it was made from, from the job records."""

    bases: Mapping[str, str] = field(default_factory=dict)
    jobs: Mapping[str, str] = field(default_factory=dict)
    """Job id → the model it started from, for jobs that made one."""


def credentials_of(headers: RawHeaders) -> RawHeaders:
    """Return the header fields that say who asks, and nothing else of the client's."""
    return tuple(pair for pair in headers if pair[0] in _CREDENTIAL_HEADERS)


def may_have_jobs(kind: Kind) -> bool:
    """Whether servers of this kind can have fine-tuning jobs at all."""
    return kind not in _NO_JOBS


class Lookup:
    """The cached metadata of all upstreams."""

    def __init__(
        self, settings: Settings, send: Send, fingerprint: Fingerprint, clock: Clock
    ) -> None:
        self._settings = settings
        self._send = send
        self._fingerprint = fingerprint
        memory: MemorySettings = settings.memory
        self._lists: LookupCache[ModelList] = LookupCache(
            memory, clock, weigh=lambda found: 1 + len(found.cards) // 100
        )
        self._lineages: LookupCache[Lineage] = LookupCache(
            memory, clock, weigh=lambda found: 1 + len(found.bases) // 100
        )
        self._checkpoints: LookupCache[Lineage] = LookupCache(
            memory, clock, weigh=lambda found: 1 + len(found.bases) // 100
        )
        self._kinds: dict[str, Kind] = {}

    def owner(self, upstream: str, headers: RawHeaders) -> Owner:
        """Return whose knowledge a look-up with these client headers is."""
        return Owner(upstream, self._fingerprint(upstream, headers))

    def kind(self, upstream: UpstreamSettings) -> Kind:
        """Return the upstream's kind: configured, else recognised, else `AUTO` (not yet known)."""
        if upstream.kind is not Kind.AUTO:
            return upstream.kind
        return self._kinds.get(upstream.name, Kind.AUTO)

    def known_models(self, upstream: str, headers: RawHeaders) -> Found[ModelList] | None:
        """Return the model list if it is cached, without asking for it."""
        return self._lists.peek(self.owner(upstream, headers))

    async def models(
        self, upstream: UpstreamSettings, headers: RawHeaders, *, wanted: str | None = None
    ) -> Found[ModelList]:
        """Return the model list; asked again if `wanted` is not in a list older than a minute."""
        owner = self.owner(upstream.name, headers)
        known = self._lists.peek(owner)
        lacking = (
            known is not None
            and isinstance(known.value, ModelList)
            and wanted is not None
            and wanted not in known.value.cards
        )
        return await self._lists.get(
            owner,
            lambda: self._load_models(upstream, headers),
            patience=upstream.timeouts.metadata,
            max_age=self._settings.memory.negative_ttl if lacking else None,
        )

    async def lineage(
        self, upstream: UpstreamSettings, headers: RawHeaders, *, wanted: str
    ) -> Found[Lineage]:
        """Return the job records, all pages; asked again like `models`."""
        owner = self.owner(upstream.name, headers)
        known = self._lineages.peek(owner)
        lacking = (
            known is not None
            and isinstance(known.value, Lineage)
            and wanted not in known.value.bases
        )
        return await self._lineages.get(
            owner,
            lambda: self._load_jobs(upstream, headers),
            patience=upstream.timeouts.metadata,
            max_age=self._settings.memory.negative_ttl if lacking else None,
        )

    async def checkpoints(
        self, upstream: UpstreamSettings, headers: RawHeaders, lineage: Lineage
    ) -> Found[Lineage]:
        """Return the checkpoints of the newest jobs, as models with a base of their own."""
        return await self._checkpoints.get(
            self.owner(upstream.name, headers),
            lambda: self._load_checkpoints(upstream, headers, lineage),
            patience=upstream.timeouts.metadata,
        )

    async def aclose(self) -> None:
        """Stop the look-ups under way."""
        for cache in (self._lists, self._lineages, self._checkpoints):
            await cache.aclose()

    async def _load_models(
        self, upstream: UpstreamSettings, headers: RawHeaders
    ) -> ModelList | LookupFailed:
        reply_headers: dict[str, str] = {}
        answer = await self._get(upstream, "/models", headers, received=reply_headers)
        if isinstance(answer, LookupFailed):
            return answer
        kind = upstream.kind
        if kind is Kind.AUTO:
            kind = self._kinds.get(upstream.name) or recognise(answer, reply_headers) or Kind.OTHER
            self._kinds[upstream.name] = kind
        return ModelList({card.id: card for card in read_models(answer, kind)}, kind)

    async def _load_jobs(
        self, upstream: UpstreamSettings, headers: RawHeaders
    ) -> Lineage | LookupFailed:
        bases: dict[str, str] = {}
        jobs: dict[str, str] = {}
        after: str | None = None
        for _ in range(MAX_JOB_PAGES):
            cursor = f"&after={quote(after, safe='')}" if after else ""
            answer = await self._get(
                upstream, "/fine_tuning/jobs", headers, query=f"limit=100{cursor}"
            )
            if isinstance(answer, LookupFailed):
                return Lineage(bases, jobs) if bases else answer
            page = read_jobs(answer)
            bases |= page.bases
            jobs |= page.jobs
            if page.after is None or page.after == after:
                break
            after = page.after
        return Lineage(bases, jobs)

    async def _load_checkpoints(
        self, upstream: UpstreamSettings, headers: RawHeaders, lineage: Lineage
    ) -> Lineage | LookupFailed:
        bases: dict[str, str] = {}
        limit = asyncio.Semaphore(CHECKPOINT_CONCURRENCY)

        async def load(job: str, base: str) -> None:
            async with limit:
                path = f"/fine_tuning/jobs/{quote(job, safe='')}/checkpoints"
                answer = await self._get(upstream, path, headers, query="limit=100")
                if not isinstance(answer, LookupFailed):
                    bases.update(read_checkpoints(answer, base)[0])

        newest = list(lineage.jobs.items())[:MAX_CHECKPOINT_JOBS]
        await asyncio.gather(*(load(job, base) for job, base in newest))
        return Lineage(bases)

    async def _get(
        self,
        upstream: UpstreamSettings,
        path: str,
        headers: RawHeaders,
        *,
        query: str = "",
        received: dict[str, str] | None = None,
    ) -> object:
        """Return the decoded answer; its headers are added to `received`."""
        call = UpstreamCall(
            upstream.name,
            "GET",
            path,
            query=query.encode("ascii"),
            client_headers=credentials_of(headers),
        )
        try:
            reply = await self._send(call)
        except GatewayError as error:
            return LookupFailed(f"GET {path}: {error.message}")
        if received is not None:
            received |= {k.decode("latin-1"): v.decode("latin-1") for k, v in reply.headers}
        body = bytearray()
        try:
            async for chunk in reply.chunks():
                body += chunk
                if len(body) > MAX_BODY_BYTES:
                    return LookupFailed(f"GET {path}: more than {MAX_BODY_BYTES} bytes")
        except GatewayError as error:
            return LookupFailed(f"GET {path}: {error.message}")
        finally:
            await reply.aclose()
        if reply.status != 200:
            return LookupFailed(f"GET {path}: status {reply.status}")
        try:
            return msgspec.json.decode(bytes(body))
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            return LookupFailed(f"GET {path}: not JSON")
