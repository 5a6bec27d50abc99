import pytest

from gateway.demo.accounts import Accounts
from gateway.demo.models import PRIVATE_KEY, PRIVATE_MODEL, Endpoint
from gateway.demo.refusals import Refused
from gateway.demo.refusals.models import DEPRECATIONS


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic sk-x"])
def test_no_bearer_key_is_told_to_bring_one(header: str | None) -> None:
    with pytest.raises(Refused, match="You didn't provide an API key") as caught:
        Accounts().authenticate(header)
    assert (caught.value.status, caught.value.code) == (401, None)


def test_an_unknown_key_is_shown_masked() -> None:
    with pytest.raises(Refused) as caught:
        Accounts().authenticate("Bearer pk-0123456789abcdefWXYZ")
    assert caught.value.message == (
        "Incorrect API key provided: pk-********WXYZ. You can find your API key at"
        " https://platform.openai.com/account/api-keys."
    )
    assert (caught.value.status, caught.value.code) == (401, "invalid_api_key")
    with pytest.raises(Refused, match=r"provided: \*\*\*\*\."):
        Accounts().authenticate("Bearer pk-1")


def test_any_sk_key_sees_the_public_and_acmes_models() -> None:
    account = Accounts().authenticate("bearer sk-1")
    assert {"davinci-002", "acme-support-v7"} <= set(account.models)
    assert PRIVATE_MODEL not in account.models
    assert PRIVATE_MODEL not in {job.fine_tuned_model for job in account.jobs}


def test_the_private_model_is_seen_with_its_key_only() -> None:
    account = Accounts().authenticate(f"Bearer {PRIVATE_KEY}")
    assert account.model_for(PRIVATE_MODEL, Endpoint.COMPLETIONS).id == PRIVATE_MODEL
    assert account.jobs[-1].fine_tuned_model == PRIVATE_MODEL


def test_given_keys_are_the_only_ones_and_see_what_they_are_given() -> None:
    accounts = Accounts({"a": ["gpt-4o-mini"], "b": ["acme-writer-v2"]}, earlier_jobs=2)
    assert list(accounts.authenticate("Bearer a").models) == ["gpt-4o-mini"]
    assert accounts.authenticate("Bearer a").jobs == ()
    jobs = accounts.authenticate("Bearer b").jobs
    assert [job.fine_tuned_model for job in jobs] == [None, None, "acme-writer-v2"]
    with pytest.raises(Refused, match="Incorrect API key"):
        accounts.authenticate("Bearer sk-1")


@pytest.mark.parametrize(
    ("model", "endpoint", "message"),
    [
        ("nope", Endpoint.CHAT, "The model `nope` does not exist or you do not have access to it."),
        ("nope", Endpoint.RESPONSES, "The requested model 'nope' does not exist."),
        (
            "text-davinci-003",
            Endpoint.COMPLETIONS,
            f"The model `text-davinci-003` has been deprecated, learn more here: {DEPRECATIONS}",
        ),
        (
            "davinci-002",
            Endpoint.RESPONSES,
            "The requested model, 'davinci-002' was not found.",
        ),
    ],
)
def test_a_model_that_is_not_there_is_refused(model: str, endpoint: Endpoint, message: str) -> None:
    with pytest.raises(Refused) as caught:
        Accounts().authenticate("Bearer sk-1").model_for(model, endpoint)
    assert caught.value.message == message
    assert caught.value.code == "model_not_found"
