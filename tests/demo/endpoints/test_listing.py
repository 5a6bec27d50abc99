import pytest

from gateway.demo import emulator
from gateway.demo.models import PRIVATE_KEY, PRIVATE_MODEL
from tests.demo.client import Reply, ask

APP = emulator.build()
JOBS = "/v1/fine_tuning/jobs"


def get(target: str, **options: str) -> Reply:
    return ask(APP, "GET", target, **options)


def test_models_are_those_that_the_key_sees() -> None:
    public = {card["id"] for card in get("/v1/models").json()["data"]}
    private = {card["id"] for card in get("/v1/models", key=PRIVATE_KEY).json()["data"]}
    assert private - public == {PRIVATE_MODEL}
    assert "text-davinci-003" not in public


@pytest.mark.parametrize("model", ["gpt-4o-mini", "ft:davinci-002:acme:bot:8def5678"])
def test_one_model_is_described(model: str) -> None:
    assert get(f"/v1/models/{model}").json()["id"] == model


@pytest.mark.parametrize("model", ["nope", PRIVATE_MODEL, "text-davinci-003"])
def test_a_model_that_the_key_does_not_see_does_not_exist(model: str) -> None:
    assert get(f"/v1/models/{model}").error() == (
        404,
        f"The model '{model}' does not exist",
        "model",
        "model_not_found",
    )


def test_jobs_come_in_pages_and_the_opaque_ones_are_on_the_second() -> None:
    first = get(JOBS).json()
    assert (len(first["data"]), first["has_more"]) == (20, True)
    assert not any(job["fine_tuned_model"] for job in first["data"])
    second = get(f"{JOBS}?after={first['data'][-1]['id']}").json()
    assert second["has_more"] is False
    bases = {job["fine_tuned_model"]: job["model"] for job in second["data"]}
    assert bases["acme-support-v7"] == "gpt-4o-mini-2024-07-18"
    assert bases["acme-writer-v2"] == "davinci-002"
    assert PRIVATE_MODEL not in bases


@pytest.mark.parametrize("limit", [1, 7, 24, 100])
def test_pages_of_any_size_list_every_job_once(limit: int) -> None:
    seen: list[str] = []
    page = get(f"{JOBS}?limit={limit}").json()
    while True:
        seen += [job["id"] for job in page["data"]]
        if not page["has_more"]:
            break
        page = get(f"{JOBS}?limit={limit}&after={seen[-1]}").json()
    assert len(seen) == len(set(seen)) == 24


@pytest.mark.parametrize("limit", ["0", "101", "-1", "x", "1.5", "9" * 5000, "%C2%B2"])
def test_a_page_of_impossible_size_is_refused(limit: str) -> None:
    assert get(f"{JOBS}?limit={limit}").error()[2] == "limit"


def test_a_page_after_nothing_is_refused() -> None:
    assert get(f"{JOBS}?after=ftjob-none").status == 404


def test_a_job_is_described_to_its_owner_only() -> None:
    assert get(f"{JOBS}/ftjob-turbo").json()["model"] == "gpt-3.5-turbo-0613"
    assert get(f"{JOBS}/ftjob-diary", key=PRIVATE_KEY).status == 200
    assert get(f"{JOBS}/ftjob-diary").error() == (
        404,
        "Could not find fine tune: ftjob-diary",
        "fine_tune_id",
        "fine_tune_not_found",
    )


def test_checkpoints_name_the_models_of_a_job() -> None:
    page = get(f"{JOBS}/ftjob-turbo/checkpoints").json()
    (checkpoint,) = page["data"]
    assert checkpoint["fine_tuned_model_checkpoint"].endswith(":ckpt-step-84")
    assert page["first_id"] == page["last_id"] == checkpoint["id"]
    empty = get(f"{JOBS}/ftjob-support7/checkpoints").json()
    assert (empty["data"], empty["first_id"], empty["has_more"]) == ([], None, False)
