from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.resolve.metadata import jobs as records
from gateway.resolve.metadata.jobs import JobsPage
from tests.resolve.payloads import JSON, finished, sample

RESULT = "ft:davinci-002:my-org:custom_suffix:7q8mpxmy"


def read_jobs(payload: object) -> JobsPage:
    return finished(records.read_jobs(payload))


def read_checkpoints(payload: object, base: str) -> dict[str, str]:
    return finished(records.read_checkpoints(payload, base))


def page(*jobs: object, **more: object) -> dict[str, Any]:
    return {"object": "list", "data": list(jobs), **more}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "openai_fine_tuning_job",
            JobsPage({RESULT: "davinci-002"}, None, {"ftjob-abc123": "davinci-002"}),
        ),
        (
            "openai_fine_tuning_jobs_list",
            JobsPage({}, "ftjob-abc123"),
        ),
        (
            "azure_fine_tuning_jobs_2024-10-21",
            JobsPage(
                {"curie.ft-72a2792ef7d24ba7b82c7fe4a37e379f": "curie"},
                None,
                {"ft-72a2792ef7d24ba7b82c7fe4a37e379f": "curie"},
            ),
        ),
        (
            "openai_legacy_fine_tune_2022-01",
            JobsPage(
                {"curie:ft-acmeco-2021-03-03-21-44-20": "curie"},
                None,
                {"ft-AF1WoRqd3aJAHsqc9NY7iL8F": "curie"},
            ),
        ),
    ],
)
def test_recorded_jobs_give_their_models(name: str, expected: JobsPage) -> None:
    assert read_jobs(sample(name)) == expected


def test_a_fine_tune_of_a_fine_tune_names_the_one_before() -> None:
    first = {"id": "j1", "model": "gpt-4o-mini", "fine_tuned_model": "ft:gpt-4o-mini:o::a"}
    second = {"id": "j2", "model": "ft:gpt-4o-mini:o::a", "fine_tuned_model": "ft:gpt-4o-mini:o::b"}
    assert read_jobs(page(second, first)).bases == {
        "ft:gpt-4o-mini:o::b": "ft:gpt-4o-mini:o::a",
        "ft:gpt-4o-mini:o::a": "gpt-4o-mini",
    }


@pytest.mark.parametrize("key", ["model_output_name", "x_model_output_name"])
def test_togethers_result_has_another_key(key: str) -> None:
    job = {"id": "ft-1", "status": "completed", "model": "meta-llama/Llama-3-8b", key: "acct/out"}
    assert read_jobs(page(job)).bases == {"acct/out": "meta-llama/Llama-3-8b"}


@pytest.mark.parametrize(
    "job",
    [
        {"id": "j", "model": None, "fine_tuned_model": "m"},
        {"id": "j", "fine_tuned_model": "m"},
        {"id": "j", "model": "a\nb", "fine_tuned_model": "m"},
        "job",
        None,
        [],
    ],
)
def test_a_job_without_a_model_says_nothing(job: object) -> None:
    assert read_jobs(page(job)) == JobsPage()


@pytest.mark.parametrize("result", [None, "", 5, "m", "x\0"])
def test_a_job_without_a_result_of_its_own_does_not_count(result: object) -> None:
    job = {"id": "j", "model": "m", "fine_tuned_model": result}
    assert read_jobs(page(job)) == JobsPage()


def test_a_job_without_an_id_still_gives_its_result() -> None:
    assert read_jobs(page({"model": "m", "fine_tuned_model": "ft"})) == JobsPage({"ft": "m"})


def test_of_two_jobs_with_one_result_the_newer_one_counts_which_comes_first() -> None:
    newer = {"id": "j2", "model": "b", "fine_tuned_model": "ft"}
    older = {"id": "j1", "model": "a", "fine_tuned_model": "ft"}
    assert read_jobs(page(newer, older)).bases == {"ft": "b"}


@pytest.mark.parametrize(
    ("payload", "after"),
    [
        (page({"id": "a"}, {"id": "b"}, has_more=True), "b"),
        (page({"id": "a"}, has_more=True, last_id="z"), "z"),
        (page({"id": "a"}, has_more=False, last_id="z"), None),
        (page({"id": "a"}), None),
        (page({"id": "a"}, has_more="true"), None),
        (page(has_more=True), None),
        (page({"id": "a"}, "b", has_more=True), None),
        (page({"id": "a"}, {"id": 5}, has_more=True), None),
        ({"has_more": True}, None),
        ({"has_more": True, "data": {}}, None),
        ([{"id": "a"}], None),
    ],
)
def test_the_cursor_is_the_last_id_while_there_is_more(payload: object, after: str | None) -> None:
    assert read_jobs(payload).after == after


def test_a_bare_list_of_jobs_is_read() -> None:
    job = {"id": "j", "model": "m", "fine_tuned_model": "ft"}
    assert read_jobs([job]).jobs == {"j": "m"}


def test_checkpoints_have_the_base_of_their_job() -> None:
    base = "gpt-4o-mini-2024-07-18"
    assert read_checkpoints(sample("openai_fine_tuning_checkpoints"), base) == {
        "ft:gpt-4o-mini-2024-07-18:my-org:custom-suffix:96olL566:ckpt-step-2000": base,
        "ft:gpt-4o-mini-2024-07-18:my-org:custom-suffix:7q8mpxmy:ckpt-step-1000": base,
    }
    name = "gpt-35-turbo-0613.ft-72a2792ef7d24ba7b82c7fe4a37e379f:ckpt-step-10"
    azures = sample("azure_fine_tuning_checkpoints_2024-10-21")
    assert read_checkpoints(azures, "gpt-35-turbo") == {name: "gpt-35-turbo"}


@pytest.mark.parametrize("name", [None, "", 5, "base"])
def test_a_checkpoint_without_a_name_of_its_own_is_left_out(name: object) -> None:
    assert read_checkpoints(page({"fine_tuned_model_checkpoint": name}), "base") == {}


@given(JSON, st.text(max_size=5))
def test_any_json_is_read_without_an_error_and_no_model_is_its_own_base(
    payload: object, base: str
) -> None:
    jobs = read_jobs(payload)
    checkpoints = read_checkpoints(payload, base)
    assert all(result != origin for result, origin in (jobs.bases | checkpoints).items())
    assert all(name.isprintable() for pair in jobs.bases.items() for name in pair)


def test_long_lists_are_read_in_pieces() -> None:
    listed = [
        {"id": f"job-{n}", "model": "base", "fine_tuned_model": f"ft-{n}"} for n in range(5000)
    ]
    work = records.read_jobs({"data": listed})
    next(work)
    assert len(finished(work).bases) == 5000
    checkpoints = [{"fine_tuned_model_checkpoint": f"ck-{n}"} for n in range(5000)]
    pieces = records.read_checkpoints({"data": checkpoints}, "base")
    next(pieces)
    assert len(finished(pieces)) == 5000
