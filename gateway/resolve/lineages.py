"""Loads the records of fine-tuning jobs: which model was made from which."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.config.settings import Kind
from gateway.resolve.asking import ask
from gateway.resolve.jobs import read_checkpoints, read_jobs
from gateway.resolve.lookup_cache import LookupFailed
from gateway.resolve.lookup_paths import checkpoint_list, job_list
from gateway.shapes import RawHeaders, Send

MAX_JOB_PAGES = 100
MAX_CHECKPOINT_JOBS = 50
CHECKPOINT_CONCURRENCY = 4

_NO_JOBS = frozenset(
    {
        *(Kind.VLLM, Kind.SGLANG, Kind.TGI, Kind.LLAMACPP, Kind.LLAMA_CPP_PYTHON, Kind.OLLAMA),
        *(Kind.LMSTUDIO, Kind.LOCALAI, Kind.OPENROUTER, Kind.GROQ, Kind.DEEPSEEK, Kind.GEMINI),
        *(Kind.GITHUB, Kind.HUGGINGFACE),
    }
)


@dataclass(frozen=True, slots=True)
class Lineage:
    """Fine-tuned model (or checkpoint) → the model it was made from, from the job records."""

    bases: Mapping[str, str] = field(default_factory=dict)
    jobs: Mapping[str, str] = field(default_factory=dict)
    """Job id → the model it started from, for jobs that made one."""


def may_have_jobs(kind: Kind) -> bool:
    """Whether servers of this kind can have fine-tuning jobs at all."""
    return kind not in _NO_JOBS


async def load_jobs(send: Send, upstream: str, headers: RawHeaders) -> Lineage | LookupFailed:
    """Return what all pages of job records say; those before a page that fails count too."""
    bases: dict[str, str] = {}
    jobs: dict[str, str] = {}
    after: str | None = None
    for _ in range(MAX_JOB_PAGES):
        answer = await ask(send, upstream, job_list(after), headers)
        if isinstance(answer, LookupFailed):
            return Lineage(bases, jobs) if bases else answer
        page = read_jobs(answer.payload)
        bases |= page.bases
        jobs |= page.jobs
        if page.after is None or page.after == after:
            break
        after = page.after
    return Lineage(bases, jobs)


async def load_checkpoints(
    send: Send, upstream: str, headers: RawHeaders, lineage: Lineage
) -> Lineage:
    """Return the checkpoints of the newest jobs, as models with a base of their own."""
    bases: dict[str, str] = {}
    limit = asyncio.Semaphore(CHECKPOINT_CONCURRENCY)

    async def load(job: str, base: str) -> None:
        async with limit:
            answer = await ask(send, upstream, checkpoint_list(job), headers)
            if not isinstance(answer, LookupFailed):
                bases.update(read_checkpoints(answer.payload, base)[0])

    newest = list(lineage.jobs.items())[:MAX_CHECKPOINT_JOBS]
    await asyncio.gather(*(load(job, base) for job, base in newest))
    return Lineage(bases)
