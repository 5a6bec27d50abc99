"""Fine-tunes are fine-tuning jobs: requests become theirs, and their objects fine-tunes."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.translation_settings import TranslationSettings
from gateway.errors import InvalidRequest, UnsupportedParameter, UpstreamError
from gateway.translate.legacy import fine_tunes
from gateway.translate.legacy.fine_tune_events import events_from_job_events
from gateway.translate.legacy.fine_tunes import JobRequest
from tests.translate.legacy.schemas import check_legacy, properties
from tests.translate.legacy.upstream_json import ANY_JSON, almost

REFUSING = TranslationSettings()
DROPPING = TranslationSettings(on_unsupported="drop")
JOB: dict[str, Any] = {
    "object": "fine_tuning.job",
    "id": "ftjob-abc123",
    "model": "davinci-002",
    "created_at": 1692661014,
    "finished_at": 1692661190,
    "fine_tuned_model": "ft:davinci-002:my-org:custom_suffix:7q8mpxmy",
    "organization_id": "org-123",
    "result_files": ["file-results"],
    "status": "succeeded",
    "validation_file": None,
    "training_file": "file-train",
    "hyperparameters": {"n_epochs": 4, "batch_size": 1, "learning_rate_multiplier": 1.0},
    "trained_tokens": 5768,
    "error": None,
    "seed": 0,
}
TRAINING = {
    "id": "file-train",
    "object": "file",
    "bytes": 1547276,
    "created_at": 1610062281,
    "filename": "my-data-train.jsonl",
    "purpose": "fine-tune",
    "status": "processed",
    "status_details": "fine",
}


def asked(settings: TranslationSettings = REFUSING, **parameters: Any) -> JobRequest:
    return fine_tunes.request_to_job({"training_file": "file-train", **parameters}, settings)


def test_the_table_has_the_parameters_of_openais_schema() -> None:
    assert set(fine_tunes.TABLE) == properties("CreateFineTuneRequest")


def test_the_old_defaults_are_sent() -> None:
    request = asked()
    assert request.body == {
        "model": "davinci-002",
        "training_file": "file-train",
        "hyperparameters": {"n_epochs": 4},
    }
    assert request.changed == ("model:curie->davinci-002",)
    assert (request.dropped, request.warning) == ((), "")
    check_legacy("CreateFineTuningJobRequest", request.body)


def test_every_parameter_that_has_a_place_gets_there() -> None:
    request = asked(
        validation_file="file-valid",
        model="gpt-4o-mini",
        n_epochs=2,
        batch_size=8,
        learning_rate_multiplier=0.1,
        suffix="mine",
    )
    assert request.body == {
        "model": "gpt-4o-mini",
        "training_file": "file-train",
        "validation_file": "file-valid",
        "suffix": "mine",
        "hyperparameters": {"n_epochs": 2, "batch_size": 8, "learning_rate_multiplier": 0.1},
    }
    assert request.changed == ()
    assert "learning_rate_multiplier" in request.warning


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("ada", "babbage-002"),
        ("babbage", "babbage-002"),
        ("curie", "davinci-002"),
        ("davinci", "davinci-002"),
        ("davinci-002", "davinci-002"),
        ("curie:ft-org-2021-03-03-21-44-20", "curie:ft-org-2021-03-03-21-44-20"),
    ],
)
def test_the_first_base_models_have_successors(old: str, new: str) -> None:
    assert asked(model=old).body["model"] == new


def test_a_configured_alias_comes_before_the_successor() -> None:
    body = {"training_file": "file-train", "model": "curie"}
    request = fine_tunes.request_to_job(body, REFUSING, alias="gpt-4o-mini")
    assert (request.body["model"], request.changed) == ("gpt-4o-mini", ())


def test_what_changes_nothing_is_dropped() -> None:
    request = asked(
        prompt_loss_weight=0.01,
        compute_classification_metrics=False,
        classification_n_classes=2,
        classification_positive_class="yes",
        classification_betas=[1, 0.5],
        suffix=None,
    )
    assert set(request.body) == {"model", "training_file", "hyperparameters"}
    assert request.dropped == (
        "classification_n_classes",
        "classification_positive_class",
        "classification_betas",
    )


def test_a_prompt_loss_weight_is_refused_or_dropped_as_configured() -> None:
    with pytest.raises(UnsupportedParameter) as caught:
        asked(prompt_loss_weight=0.1)
    assert caught.value.param == "prompt_loss_weight"
    assert asked(DROPPING, prompt_loss_weight=0.1).dropped == ("prompt_loss_weight",)


def test_classification_metrics_are_refused_in_any_case() -> None:
    with pytest.raises(UnsupportedParameter) as caught:
        asked(DROPPING, compute_classification_metrics=True)
    assert caught.value.param == "compute_classification_metrics"


@pytest.mark.parametrize(
    ("parameters", "param", "code"),
    [
        ({"training_file": None}, "training_file", "missing_required_parameter"),
        ({"training_file": ""}, "training_file", "missing_required_parameter"),
        ({"training_file": 5}, "training_file", "invalid_type"),
        ({"model": ["curie"]}, "model", "invalid_type"),
        ({"model": ""}, "model", "invalid_value"),
        ({"n_epochs": 0}, "n_epochs", "integer_below_min_value"),
        ({"n_epochs": "auto"}, "n_epochs", "invalid_type"),
        ({"n_epochs": True}, "n_epochs", "invalid_type"),
        ({"batch_size": 1.5}, "batch_size", "invalid_type"),
        ({"learning_rate_multiplier": -1}, "learning_rate_multiplier", "decimal_below_min_value"),
        ({"classification_betas": [1, "x"]}, "classification_betas[1]", "invalid_type"),
        ({"suffix": "x" * 41}, "suffix", "string_above_max_length"),
        ({"hyperparameters": {}}, "hyperparameters", "unknown_parameter"),
    ],
)
def test_a_wrong_request_names_the_clients_parameter(
    parameters: dict[str, Any], param: str, code: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        asked(**parameters)
    assert (caught.value.param, caught.value.code) == (param, code)


@given(
    st.fixed_dictionaries(
        {"training_file": st.text(min_size=1)},
        optional={
            "validation_file": st.none() | st.text(),
            "model": st.none() | st.text(min_size=1),
            "n_epochs": st.none() | st.integers(1, 50),
            "batch_size": st.none() | st.integers(1, 256),
            "learning_rate_multiplier": st.none() | st.floats(0.001, 10),
            "prompt_loss_weight": st.none() | st.floats(0, 1),
            "compute_classification_metrics": st.none() | st.just(value=False),
            "classification_n_classes": st.none() | st.integers(2, 100),
            "suffix": st.none() | st.text(min_size=1, max_size=40),
        },
    )
)
def test_what_the_old_schema_allows_becomes_what_the_new_one_allows(body: dict[str, Any]) -> None:
    check_legacy("CreateFineTuneRequest", body)
    before = dict(body)
    request = fine_tunes.request_to_job(body, DROPPING)
    check_legacy("CreateFineTuningJobRequest", request.body)
    assert body == before


@given(almost(*fine_tunes.TABLE, "x"))
def test_any_body_is_translated_or_refused(body: dict[str, Any]) -> None:
    try:
        fine_tunes.model_of(body)
        request = fine_tunes.request_to_job(body, REFUSING)
    except InvalidRequest as error:
        refused = error.param
    else:
        assert request.body["training_file"] == body["training_file"]
        return
    assert refused is not None
    assert refused.split("[")[0] in fine_tunes.TABLE or refused == "x"


def test_a_job_becomes_a_fine_tune() -> None:
    events = events_from_job_events(
        [{"id": "e", "created_at": 1692661100, "level": "info", "message": "Done"}]
    )
    fine_tune = fine_tunes.fine_tune_from_job(JOB, events, {"file-train": TRAINING})
    assert fine_tune == {
        "id": "ftjob-abc123",
        "object": "fine-tune",
        "model": "davinci-002",
        "created_at": 1692661014,
        "updated_at": 1692661190,
        "fine_tuned_model": "ft:davinci-002:my-org:custom_suffix:7q8mpxmy",
        "organization_id": "org-123",
        "status": "succeeded",
        "hyperparams": {
            "batch_size": 1,
            "learning_rate_multiplier": 1.0,
            "n_epochs": 4,
            "prompt_loss_weight": None,
        },
        "training_files": [{k: v for k, v in TRAINING.items() if k != "status_details"}],
        "validation_files": [],
        "result_files": [
            {
                "id": "file-results",
                "object": "file",
                "bytes": 0,
                "created_at": 0,
                "filename": "",
                "purpose": "fine-tune",
            }
        ],
        "events": events,
    }
    assert properties("FineTune") == set(fine_tune)
    check_legacy("FineTune", fine_tune)


def test_a_list_has_no_events() -> None:
    listed = fine_tunes.fine_tunes_from_jobs([JOB, None, {"id": 5}, {**JOB, "id": "ftjob-2"}])
    assert [fine_tune["id"] for fine_tune in listed["data"]] == ["ftjob-abc123", "ftjob-2"]
    assert "events" not in listed["data"][0]
    assert set(listed) == {"object", "data"}
    check_legacy("ListFineTunesResponse", listed)


def test_hyperparameters_of_a_method_count_and_auto_is_null() -> None:
    method = {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 3}}}
    job = {**JOB, "method": method, "hyperparameters": {"n_epochs": 9}}
    assert fine_tunes.fine_tune_from_job(job)["hyperparams"]["n_epochs"] == 3
    job = {**JOB, "hyperparameters": {"n_epochs": "auto", "batch_size": True}}
    hyperparams = fine_tunes.fine_tune_from_job(job)["hyperparams"]
    assert (hyperparams["n_epochs"], hyperparams["batch_size"]) == (None, None)


@pytest.mark.parametrize(
    ("finished", "events", "updated"),
    [(90, [50, 70], 90), (None, [50, 70], 70), (None, [], 10)],
)
def test_the_last_change_is_the_end_or_the_newest_event(
    finished: int | None, events: list[int], updated: int
) -> None:
    job = {**JOB, "created_at": 10, "finished_at": finished}
    said = [{"created_at": time, "message": "x"} for time in events]
    assert fine_tunes.fine_tune_from_job(job, said)["updated_at"] == updated


def test_a_failed_jobs_reason_is_its_last_event() -> None:
    job = {**JOB, "status": "failed", "error": {"message": "Bad file"}}
    assert fine_tunes.fine_tune_from_job(job, [])["events"][-1]["message"] == "Bad file"
    said = [{"created_at": 1, "message": "It failed: Bad file"}]
    assert fine_tunes.fine_tune_from_job(job, said)["events"] == said


def test_files_are_named_once_whether_ids_or_objects() -> None:
    job = {**JOB, "validation_file": "file-train", "result_files": [{"id": "file-r"}, 5, ""]}
    assert fine_tunes.file_ids(job) == ["file-train", "file-r"]


@pytest.mark.parametrize(
    ("param", "named"),
    [
        ("hyperparameters.n_epochs", "n_epochs"),
        ("method.supervised.hyperparameters.batch_size", "batch_size"),
        ("model", "model"),
        ("training_file", "training_file"),
        ("fine_tune_id", "fine_tune_id"),
        ("hyperparameters.beta", None),
        ("seed", None),
        ("", None),
        (None, None),
    ],
)
def test_job_parameters_have_a_fine_tunes_name(param: str | None, named: str | None) -> None:
    assert fine_tunes.client_param(param) == named


@pytest.mark.parametrize(
    ("page", "cursor"),
    [
        ({"data": [{"id": "a"}, {"id": "b"}], "has_more": True}, "b"),
        ({"data": [{"id": "a"}], "has_more": False}, None),
        ({"data": [{"id": "a"}]}, None),
        ({"data": [], "has_more": True}, None),
        ({"data": [5], "has_more": True}, None),
        ({"data": [{"id": ""}], "has_more": True}, None),
        ({"data": 5, "has_more": True}, None),
    ],
)
def test_the_cursor_is_the_last_id_of_a_page_that_has_more(page: Any, cursor: str | None) -> None:
    assert fine_tunes.next_cursor(page) == cursor


def test_a_page_without_entries_is_an_upstream_error() -> None:
    with pytest.raises(UpstreamError):
        fine_tunes.entries_of({"data": {}})
    assert fine_tunes.entries_of({"data": [1]}) == [1]


FIELDS = ("training_file", "result_files", "hyperparameters", "method", "error", "status")
FILE = almost("id", "bytes", "created_at", "filename", "purpose", "status")
ANY_JOB = almost(
    "id", "created_at", "finished_at", "model", *FIELDS, inner=ANY_JSON | st.text() | FILE
)


@given(ANY_JSON | ANY_JOB, st.dictionaries(st.text(), ANY_JSON | FILE), st.lists(ANY_JSON))
def test_any_job_is_a_valid_fine_tune_or_an_upstream_error(
    job: Any, files: dict[str, Any], events: list[Any]
) -> None:
    try:
        fine_tune = fine_tunes.fine_tune_from_job(job, events_from_job_events(events), files)
    except UpstreamError:
        return
    check_legacy("FineTune", fine_tune)
    assert set(fine_tunes.file_ids(job)) >= {f["id"] for f in fine_tune["training_files"]}
    check_legacy("ListFineTunesResponse", fine_tunes.fine_tunes_from_jobs([job]))


@pytest.mark.parametrize("job", [None, [], {}, {"id": 5}])
def test_a_job_without_an_id_is_an_upstream_error(job: Any) -> None:
    with pytest.raises(UpstreamError, match="no id"):
        fine_tunes.fine_tune_from_job(job)
