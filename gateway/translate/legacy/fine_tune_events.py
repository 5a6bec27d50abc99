"""The events of a fine-tuning job, as clients of /v1/fine-tunes read them: a list or a stream.

Job events (openai-openapi, `FineTuningJobEvent`) come newest first, events of a fine-tune oldest
first. The events of a fine-tune could be streamed until it ended; those of a job must be polled.
"""

from collections import OrderedDict, deque
from collections.abc import Iterator, Sequence

from gateway.shapes import Json
from gateway.translate.parts.fields import finite_number

FIRST_DELAY = 5.0
LONGEST_DELAY = 30.0
GROWTH = 1.5
MAX_FOLLOWED = 24 * 60 * 60.0
"""The longest time that events are followed, in seconds; OpenAI's jobs end long before."""

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
    """Return the status of a fine-tune for the status of a job; Azure has further ones.

    Unknown words, and `paused`, become `running`.
    """
    status = job.get("status")
    return _STATUSES.get(status, "running") if isinstance(status, str) else "running"


def is_over(job: Json) -> bool:
    """Whether the job has ended."""
    return status_from_job(job) in _FINAL


def seconds(value: object) -> int | None:
    """Return a Unix time in whole seconds; None for anything but a number."""
    number = finite_number(value)
    return None if number is None else int(number)


def event_from_job_event(event: object) -> Json | None:
    """Return one event; None if it has no message."""
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
    """Return an event with the reason why a job failed, unless a message already has it.

    A job has an `error`, a fine-tune only its events.
    """
    error = job.get("error")
    message = error.get("message") if isinstance(error, dict) else None
    if status_from_job(job) != "failed" or not isinstance(message, str) or not message:
        return None
    if any(message in known for known in messages):
        return None
    return {
        "object": "fine-tune-event",
        "created_at": seconds(job.get("finished_at")) or seconds(job.get("created_at")) or 0,
        "level": "error",
        "message": message,
    }


def poll_delays() -> Iterator[float]:
    """Yield the seconds to wait before each poll of a job, at most `MAX_FOLLOWED` in all."""
    delay, waited = FIRST_DELAY, 0.0
    while waited + delay <= MAX_FOLLOWED:
        yield delay
        waited += delay
        delay = min(delay * GROWTH, LONGEST_DELAY)


class EventFollower:
    """Finds the new events of each poll; remembers a bounded number of old ones."""

    def __init__(self) -> None:
        self._seen: OrderedDict[object, None] = OrderedDict()
        self._messages: deque[str] = deque(maxlen=_REMEMBERED_MESSAGES)

    def reaches_back(self, page: Sequence[object]) -> bool:
        """Whether a page of events, newest first, has one of an earlier poll."""
        return any(_identity(event) in self._seen for event in page)

    def take(self, newest_first: Sequence[object]) -> list[Json]:
        """Return the new events among these, oldest first."""
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
        """Return the events that a job lacks once it has ended: the reason of its failure."""
        event = failure_event(job, self._messages)
        return [] if event is None else [event]


def _identity(event: object) -> object:
    """Return the identity of an event: its id, or else its time and message."""
    if not isinstance(event, dict):
        return None
    if isinstance(event.get("id"), str):
        return event["id"]
    return (seconds(event.get("created_at")), str(event.get("message")))
