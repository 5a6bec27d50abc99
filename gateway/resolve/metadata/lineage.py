"""Loads fine-tuning job records: which model was made from which."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice

from gateway.config.settings import UpstreamSettings
from gateway.envelopes.json_fields import MAX_ENTRIES
from gateway.resolve.metadata.cache import LookupFailed, Partial
from gateway.resolve.metadata.fetch import Asker
from gateway.resolve.metadata.jobs import read_checkpoints, read_jobs
from gateway.resolve.metadata.requests import checkpoint_list, job_list
from gateway.shapes import RawHeaders

MAX_JOB_PAGES = 100
MAX_CHECKPOINT_JOBS = 50
CHECKPOINT_CONCURRENCY = 4


@dataclass(frozen=True, slots=True)
class Lineage:
    """Fine-tuned model (or checkpoint) → the model it was made from, from the job records."""

    bases: Mapping[str, str] = field(default_factory=dict)
    jobs: Mapping[str, str] = field(default_factory=dict)
    """Job id → the model it started from, for jobs that made one. The newest come first."""

    def onto(self, older: "Lineage") -> "Lineage":
        """Merge this partial lineage over an older, complete one."""
        return Lineage(_onto(self.bases, older.bases), _onto(self.jobs, older.jobs))


async def load_jobs(
    asker: Asker, upstream: UpstreamSettings, headers: RawHeaders
) -> Lineage | Partial[Lineage] | LookupFailed:
    """Return all pages of job records; those before a failure if one of them fails."""
    bases: dict[str, str] = {}
    jobs: dict[str, str] = {}
    after: str | None = None
    seen: set[str] = set()
    for _ in range(MAX_JOB_PAGES):
        page = await asker.ask(
            upstream, job_list(after), headers, lambda answer: read_jobs(answer.payload)
        )
        if isinstance(page, LookupFailed):
            return _partial(bases, jobs) if bases else page
        for result, base in page.bases.items():
            bases.setdefault(result, base)  # the newest come first, and they count
        jobs |= page.jobs
        if page.after is None or page.after in seen:
            break
        after = page.after
        seen.add(after)
    return Lineage(bases, jobs)


async def load_checkpoints(
    asker: Asker, upstream: UpstreamSettings, headers: RawHeaders, lineage: Lineage
) -> Lineage | Partial[Lineage] | LookupFailed:
    """Return the checkpoints of the newest jobs, as models with a base of their own.

    Partial if those of some jobs cannot be read.
    """
    bases: dict[str, str] = {}
    failures: list[LookupFailed] = []
    limit = asyncio.Semaphore(CHECKPOINT_CONCURRENCY)

    async def load(job: str, base: str) -> None:
        async with limit:
            found = await asker.ask(
                upstream,
                checkpoint_list(job),
                headers,
                lambda answer: read_checkpoints(answer.payload, base),
            )
        if isinstance(found, LookupFailed):
            failures.append(found)
        else:
            bases.update(found)

    newest = list(islice(lineage.jobs.items(), MAX_CHECKPOINT_JOBS))
    await asyncio.gather(*(load(job, base) for job, base in newest))
    if not failures:
        return Lineage(bases)
    return failures[0] if len(failures) == len(newest) else _partial(bases, {})


def _partial(bases: dict[str, str], jobs: dict[str, str]) -> Partial[Lineage]:
    lineage = Lineage(bases, jobs)
    return Partial(lineage, lineage.onto)


def _onto(newer: Mapping[str, str], older: Mapping[str, str]) -> dict[str, str]:
    """Return both, the newer first; surplus entries of the older are dropped."""
    both = {**newer, **{key: value for key, value in older.items() if key not in newer}}
    return dict(islice(both.items(), MAX_JOB_PAGES * MAX_ENTRIES))
