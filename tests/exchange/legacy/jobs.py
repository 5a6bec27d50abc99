"""An upstream with fine-tuning jobs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import msgspec

from gateway.shapes import UpstreamCall
from tests.fakes import Answer, error_reply, json_reply
from tests.translate.legacy.test_fine_tunes import JOB, TRAINING

RUNNING = {**JOB, "status": "running", "finished_at": None, "fine_tuned_model": None}
PATH = "/fine-tunes/ftjob-abc123"
JOB_PATH = "/fine_tuning/jobs/ftjob-abc123"


@dataclass
class Jobs:
    """An upstream with one job, whose events are listed newest first in pages of `limit`."""

    job: dict[str, Any] = field(default_factory=lambda: dict(JOB))
    events: list[Any] = field(default_factory=list)
    files: dict[str, Any] = field(default_factory=lambda: {"file-train": TRAINING})
    jobs: list[Any] = field(default_factory=list)
    page_size: int = 100
    broken: Mapping[str, Callable[[], Answer]] = field(default_factory=dict)
    """What is answered instead, by the end of the path."""

    def __call__(self, call: UpstreamCall) -> Answer:
        for ending, answer in self.broken.items():
            if call.path.endswith(ending):
                return answer()
        if call.path == "/fine_tuning/jobs" and call.method == "POST":
            assert isinstance(call.body, bytes)
            self.job |= {"training_file": msgspec.json.decode(call.body)["training_file"]}
            return json_reply(self.job)
        if call.path == "/fine_tuning/jobs":
            return self.page(self.jobs, call)
        if call.path.endswith("/events"):
            return self.page(self.events, call)
        if call.path.startswith("/files/"):
            found = self.files.get(call.path.removeprefix("/files/"))
            return json_reply(found) if found else error_reply(404, "No such File object")
        if call.path.startswith(JOB_PATH):
            return json_reply(self.job)
        return error_reply(404, "Could not find fine tune", param="fine_tune_id", code="no_job")

    def page(self, entries: list[Any], call: UpstreamCall) -> Answer:
        query = parse_qs(call.query.decode())
        assert query["limit"] == ["100"]
        ids = [entry["id"] for entry in entries]
        start = ids.index(query["after"][0]) + 1 if "after" in query else 0
        page = entries[start : start + self.page_size]
        return json_reply({"data": page, "has_more": start + self.page_size < len(entries)})


def polls(*steps: tuple[dict[str, Any], list[Any]]) -> Callable[[UpstreamCall], Answer]:
    """Answer each poll of the job with the next of these (job, events), then with the last."""
    left = list(steps)
    upstream = Jobs(*left[0])

    def answer(call: UpstreamCall) -> Answer:
        if call.path == JOB_PATH and left:
            upstream.job, upstream.events = left.pop(0)
        return upstream(call)

    return answer
