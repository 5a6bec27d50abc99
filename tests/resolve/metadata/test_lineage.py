"""Job records and checkpoints, page by page, whatever becomes of each page."""

import asyncio
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

import pytest

from gateway.config.settings import UpstreamSettings
from gateway.resolve.metadata.cache import LookupFailed, Partial
from gateway.resolve.metadata.fetch import Asker
from gateway.resolve.metadata.lineage import Lineage, load_checkpoints, load_jobs
from gateway.shapes import UpstreamCall
from tests.fakes import Answer, FakeUpstream, error_reply, json_reply

UP = UpstreamSettings("up", "http://127.0.0.1:1/v1")
Loaded = Lineage | Partial[Lineage] | LookupFailed


def job(name: str, base: str = "gpt-4o-mini") -> dict[str, Any]:
    return {"id": f"job-{name}", "model": base, "fine_tuned_model": name}


def page(*names: str, more: bool = False) -> dict[str, Any]:
    return {"object": "list", "data": [job(name) for name in names], "has_more": more}


def network(pages: Mapping[str, object]) -> FakeUpstream:
    """Serve pages by their cursor, `` being the first, or checkpoints by their job."""

    def answer(call: UpstreamCall) -> Answer:
        cursor = parse_qs(call.query.decode()).get("after", [""])[0]
        key = call.path.split("/")[3] if call.path.endswith("/checkpoints") else cursor
        payload = pages.get(key)
        return json_reply(payload) if payload is not None else error_reply(500, "broken")

    return FakeUpstream(answer)


def loaded_jobs(pages: Mapping[str, object]) -> tuple[Loaded, int]:
    upstream = network(pages)
    return asyncio.run(load_jobs(Asker(upstream.send), UP, ())), len(upstream.calls)


def test_of_one_result_on_two_pages_the_newer_record_counts() -> None:
    older = {"data": [{**job("a"), "model": "davinci-002"}]}
    found, _ = loaded_jobs({"": page("a", "b", more=True), "job-b": older})
    assert isinstance(found, Lineage)
    assert found.bases["a"] == "gpt-4o-mini"


@pytest.mark.parametrize(
    "pages",
    [
        {"": page("a", more=True), "job-a": page("a", more=True)},
        {
            "": page("a", more=True),
            "job-a": page("b", more=True),
            "job-b": page("a", more=True),
        },
    ],
)
def test_pages_that_lead_in_a_circle_are_read_once(pages: Mapping[str, object]) -> None:
    found, calls = loaded_jobs(pages)
    assert isinstance(found, Lineage)
    assert calls == len(pages)


def test_a_first_page_that_fails_is_a_failure() -> None:
    found, _ = loaded_jobs({})
    assert found == LookupFailed("GET /fine_tuning/jobs: status 500", 500)


def test_a_later_page_that_fails_leaves_what_came_before_it() -> None:
    found, _ = loaded_jobs({"": page("a", more=True)})
    assert isinstance(found, Partial)
    assert found.value == Lineage({"a": "gpt-4o-mini"}, {"job-a": "gpt-4o-mini"})


def test_jobs_without_a_result_before_a_page_that_fails_are_nothing() -> None:
    queued = {"data": [{"id": "job-q", "model": "m", "fine_tuned_model": None}], "has_more": True}
    assert isinstance(loaded_jobs({"": queued})[0], LookupFailed)


def test_a_part_adds_to_older_records_and_takes_none_away() -> None:
    part = Lineage({"new": "a", "both": "b"}, {"job-new": "a"})
    older = Lineage({"both": "old", "old": "c"}, {"job-old": "c"})
    whole = part.onto(older)
    assert whole == Lineage({"new": "a", "both": "b", "old": "c"}, {"job-new": "a", "job-old": "c"})
    assert list(whole.jobs) == ["job-new", "job-old"]


def test_parts_do_not_add_up_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.resolve.metadata.lineage.MAX_ENTRIES", 2)
    monkeypatch.setattr("gateway.resolve.metadata.lineage.MAX_JOB_PAGES", 1)
    whole = Lineage({"a": "x"}).onto(Lineage({"b": "x", "c": "x"}))
    assert whole.bases == {"a": "x", "b": "x"}


def checkpoint(name: str) -> dict[str, Any]:
    return {"data": [{"fine_tuned_model_checkpoint": name}]}


@pytest.mark.parametrize(
    ("checkpoints", "expected"),
    [
        ({"j1": checkpoint("c1"), "j2": checkpoint("c2")}, {"c1": "a", "c2": "b"}),
        ({"j1": checkpoint("c1")}, {"c1": "a"}),
        ({}, None),
    ],
)
def test_checkpoints_are_read_of_every_job_that_shows_them(
    checkpoints: Mapping[str, object], expected: dict[str, str] | None
) -> None:
    jobs = Lineage({}, {"j1": "a", "j2": "b"})
    found = asyncio.run(load_checkpoints(Asker(network(checkpoints).send), UP, (), jobs))
    if expected is None:
        assert isinstance(found, LookupFailed)
        return
    assert isinstance(found, Partial) == (len(checkpoints) < 2)
    lineage = found.value if isinstance(found, Partial) else found
    assert lineage == Lineage(expected)


def test_checkpoints_are_read_of_the_newest_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.resolve.metadata.lineage.MAX_CHECKPOINT_JOBS", 1)
    jobs = Lineage({}, {"j1": "a", "j2": "b"})
    upstream = network({"j1": checkpoint("c1"), "j2": checkpoint("c2")})
    assert asyncio.run(load_checkpoints(Asker(upstream.send), UP, (), jobs)) == Lineage({"c1": "a"})
