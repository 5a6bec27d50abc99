import pytest

from gateway.demo import models
from gateway.demo.models import ALL_MODELS, DemoModel, Endpoint

BY_ID = {model.id: model for model in ALL_MODELS}
NO_CHAT = (
    "This is not a chat model and thus not supported in the v1/chat/completions endpoint."
    " Did you mean to use v1/completions?"
)
IS_CHAT = (
    "This is a chat model and not supported in the v1/completions endpoint."
    " Did you mean to use v1/chat/completions?"
)


def hidden(model: str) -> str:
    return f"The model `{model}` does not exist or you do not have access to it."


@pytest.mark.parametrize(
    ("model", "endpoint", "status", "message", "param", "code"),
    [
        ("gpt-4o-mini", Endpoint.COMPLETIONS, 404, IS_CHAT, "model", None),
        ("gpt-5.4-mini", Endpoint.COMPLETIONS, 404, IS_CHAT, "model", None),
        ("davinci-002", Endpoint.CHAT, 404, NO_CHAT, "model", None),
        ("acme-writer-v2", Endpoint.CHAT, 404, NO_CHAT, "model", None),
        ("gpt-5.3-codex", Endpoint.CHAT, 404, NO_CHAT, "model", None),
        (
            "o1-pro",
            Endpoint.CHAT,
            404,
            "This model is only supported in v1/responses and not in v1/chat/completions.",
            "model",
            None,
        ),
        (
            "gpt-5-codex",
            Endpoint.COMPLETIONS,
            404,
            "This model is only supported in v1/responses and not in v1/completions.",
            "model",
            None,
        ),
        (
            "ft:gpt-3.5-turbo-0613:acme:bot:8abc1234",
            Endpoint.COMPLETIONS,
            404,
            hidden("ft:gpt-3.5-turbo-0613:acme:bot:8abc1234"),
            None,
            "model_not_found",
        ),
        (
            "acme-support-v7",
            Endpoint.COMPLETIONS,
            404,
            hidden("acme-support-v7"),
            None,
            "model_not_found",
        ),
        (
            "davinci-002",
            Endpoint.RESPONSES,
            400,
            "The requested model, 'davinci-002' was not found.",
            "model",
            "model_not_found",
        ),
        (
            "gpt-3.5-turbo",
            Endpoint.RESPONSES,
            400,
            "The requested model 'gpt-3.5-turbo' is not supported with the Responses API.",
            "model",
            "model_not_found",
        ),
        (
            "text-embedding-3-small",
            Endpoint.CHAT,
            403,
            "You are not allowed to sample from this model",
            None,
            None,
        ),
        (
            "gpt-4o-mini",
            Endpoint.EMBEDDINGS,
            403,
            "You are not allowed to generate embeddings from this model",
            None,
            None,
        ),
        ("gpt-4o-mini", Endpoint.SPEECH, 404, hidden("gpt-4o-mini"), None, "model_not_found"),
    ],
)
def test_a_wrong_endpoint_is_refused_in_openais_words(
    model: str, endpoint: Endpoint, status: int, message: str, param: str | None, code: str | None
) -> None:
    refusal = BY_ID[model].refusal_at(endpoint)
    assert refusal is not None
    assert (refusal.status, refusal.message) == (status, message)
    assert (refusal.param, refusal.code) == (param, code)


@pytest.mark.parametrize("model", ALL_MODELS, ids=lambda model: model.id)
def test_every_model_lives_somewhere_and_nowhere_else(model: DemoModel) -> None:
    assert model.endpoints
    for endpoint in Endpoint:
        assert (model.refusal_at(endpoint) is None) == (endpoint in model.endpoints)


@pytest.mark.parametrize("model", ALL_MODELS, ids=lambda model: model.id)
def test_a_card_does_not_tell_the_endpoint(model: DemoModel) -> None:
    assert set(model.card()) == {"id", "object", "created", "owned_by", "shutdown_date"}


def test_every_fine_tune_has_a_job_or_is_a_checkpoint_of_one() -> None:
    made = {job.fine_tuned_model for job in models.FINISHED_JOBS}
    made |= {name for job in models.FINISHED_JOBS for name in job.checkpoints.values()}
    assert made == {model.id for model in models.ACME_MODELS + models.PRIVATE_MODELS}


def test_a_failed_job_says_why_and_made_no_model() -> None:
    (record,) = [job.record() for job in models.failed_jobs(1)]
    assert record["status"] == "failed"
    assert record["error"] is not None
    assert record["fine_tuned_model"] is record["finished_at"] is None


def test_checkpoints_come_latest_first() -> None:
    job = models.Job("ftjob-x", "davinci-002", "m", checkpoints={1: "m1", 30: "m30", 4: "m4"})
    assert [record["step_number"] for record in job.checkpoint_records()] == [30, 4, 1]
