import pytest

from gateway.demo.refusals import Refused, models


@pytest.mark.parametrize(
    ("refused", "status", "message", "param", "code"),
    [
        (
            models.model_card_not_found("m"),
            404,
            "The model 'm' does not exist",
            "model",
            "model_not_found",
        ),
        (
            models.not_deletable("m"),
            403,
            "You have insufficient permissions to delete the model 'm'.",
            "model",
            None,
        ),
        (
            models.not_fine_tunable("m"),
            400,
            "Model m is not available for fine-tuning or does not exist.",
            "model",
            "model_not_available",
        ),
        (
            models.job_is_over("failed"),
            400,
            "Job has already completed: its status is failed.",
            None,
            None,
        ),
    ],
)
def test_models_and_jobs_are_refused_in_openais_words(
    refused: Refused, status: int, message: str, param: str | None, code: str | None
) -> None:
    assert (refused.status, refused.message) == (status, message)
    assert (refused.param, refused.code) == (param, code)
