"""What happens to a fine-tuning job, as clients of /v1/fine-tunes read it: whole or as a stream.

Job events (openai-openapi, `FineTuningJobEvent`) come newest first, a fine-tune's oldest first. A
fine-tune's events could be followed until the job ended; those of a job can only be asked for
again and again.
"""

from collections import OrderedDict, deque
from collections.abc import Iterator, Sequence

from gateway.shapes import Json
from gateway.translate.parts.fields import finite_number

FIRST_DELAY = 5.0
LONGEST_DELAY = 30.0
GROWTH = 1.5
MAX_FOLLOWED = 24 * 60 * 60.0
"""How long events are followed at most, in seconds: OpenAI ends jobs long before."""

_REMEMBERED_IDS = 1000
_REMEMBERED_MESSAGES = 100
_STATUSES = {
    "validating_files": "pending",
    "queued": "pending",
    "pending": "pending",
    "notRunning": "pending",
    "succeeded": "succeeded",
    "failed": "failed",
    "cancelled": "cancelled",
    "canceled": "cancelled",
}
_FINAL = frozenset({"succeeded", "failed", "cancelled"})


def status_from_job(job: Json) -> str:
    """Return a fine-tune's status for a job's; Azure has some of its own.

    What is not known, and `paused`, is `running`: not over, and begun.
    """
    status = job.get("status")
    return _STATUSES.get(status, "running") if isinstance(status, str) else "running"


def is_over(job: Json) -> bool:
    """Whether nothing more will happen to the job."""
    return status_from_job(job) in _FINAL


def seconds(value: object) -> int | None:
    """Return a Unix time in whole seconds, or None."""
    number = finite_number(value)
    return None if number is None else int(number)


def event_from_job_event(event: object) -> Json | None:
    """Return one event; None for something without a message."""
    if not isinstance(event, dict) or not isinstance(event.get("message"), str):
        return None
    level = event.get("level")
    return {
        "object": "fine-tune-event",
        "created_at": seconds(event.get("created_at")) or 0,
        "level": level if isinstance(level, str) else "info",
        "message": event["message"],
    }


def events_from_job_events(newest_first: Sequence[object]) -> list[Json]:
    """Return a job's events, oldest first."""
    converted = (event_from_job_event(event) for event in reversed(newest_first))
    return [event for event in converted if event is not None]


def failure_event(job: Json, messages: Sequence[str]) -> Json | None:
    """Return an event that says why a job failed, unless one of these messages does.

    A job has an `error`; a fine-tune had nothing but its events.
    """
    error = job.get("error")
    message = error.get("message") if isinstance(error, dict) else None
    if status_from_job(job) != "failed" or not isinstance(message, str) or not message:
        return None
    if any(message in said for said in messages):
        return None
    return {
        "object": "fine-tune-event",
        "created_at": seconds(job.get("finished_at")) or seconds(job.get("created_at")) or 0,
        "level": "error",
        "message": message,
    }


def poll_delays() -> Iterator[float]:
    """Yield how long to wait before each look at a job, in seconds, `MAX_FOLLOWED` in all."""
    delay, waited = FIRST_DELAY, 0.0
    while waited + delay <= MAX_FOLLOWED:
        yield delay
        waited += delay
        delay = min(delay * GROWTH, LONGEST_DELAY)


class EventFollower:
    """Tells new events from those already seen; remembers a bounded number of them."""

    def __init__(self) -> None:
        self._seen: OrderedDict[object, None] = OrderedDict()
        self._messages: deque[str] = deque(maxlen=_REMEMBERED_MESSAGES)

    def reaches_back(self, page: Sequence[object]) -> bool:
        """Whether a page of events, newest first, holds one that was seen before."""
        return any(_identity(event) in self._seen for event in page)

    def take(self, newest_first: Sequence[object]) -> list[Json]:
        """Return the new ones among these events, oldest first."""
        fresh: list[Json] = []
        for event in reversed(newest_first):
            converted = event_from_job_event(event)
            identity = _identity(event)
            if converted is None or identity in self._seen:
                continue
            self._seen[identity] = None
            if len(self._seen) > _REMEMBERED_IDS:
                self._seen.popitem(last=False)
            self._messages.append(converted["message"])
            fresh.append(converted)
        return fresh

    def closing(self, job: Json) -> list[Json]:
        """Return what is left to say about a job that is over."""
        event = failure_event(job, self._messages)
        return [] if event is None else [event]


def _identity(event: object) -> object:
    """Return what tells an event from all others: its id, or else all that it says."""
    if not isinstance(event, dict):
        return None
    if isinstance(event.get("id"), str):
        return event["id"]
    return (seconds(event.get("created_at")), str(event.get("message")))
