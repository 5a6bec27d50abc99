from dataclasses import replace
from datetime import date

from gateway.exchange.client_warnings import prompt_object_warning, retirement_warning
from tests.exchange.errors.test_model_errors import ROUTE, TODAY


def test_prompt_objects_end_on_a_day() -> None:
    advice = "keep the prompt in your own code and send its text in 'input' and 'instructions'"
    assert prompt_object_warning(date(2026, 11, 29)) == (
        f"reusable prompt objects ('prompt') will be shut down on 2026-11-30; {advice}"
    )
    for day in (date(2026, 11, 30), date(2027, 5, 1)):
        assert "were shut down on 2026-11-30" in prompt_object_warning(day)


def test_a_known_shutdown_date_is_a_warning() -> None:
    assert retirement_warning(ROUTE, TODAY) == ""
    past = replace(ROUTE, retired="2026-09-28", replacement="gpt-5.4-mini")
    assert retirement_warning(past, TODAY) == (
        "model 'asked' was shut down on 2026-09-28; suggested replacement: gpt-5.4-mini"
    )
    future = replace(ROUTE, retired="2027-01-14")
    assert retirement_warning(future, TODAY) == "model 'asked' will be shut down on 2027-01-14"


def test_a_redirect_is_named_together_with_what_is_known_of_the_new_model() -> None:
    route = replace(ROUTE, redirected_to="new", model_sent="newest", retired="2027-01-02")
    assert retirement_warning(route, TODAY) == (
        "model 'asked' is redirected to 'new' by the gateway's configuration; "
        "model 'new' will be shut down on 2027-01-02"
    )
    assert retirement_warning(ROUTE, TODAY) == ""
