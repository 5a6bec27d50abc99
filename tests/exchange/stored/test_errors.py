"""What clients are told of stored responses."""

from gateway.errors import InvalidRequest
from gateway.exchange.stored.errors import not_found, not_stored, of_kept_items, unavailable


def test_an_error_in_the_stored_conversation_says_so() -> None:
    wrong = of_kept_items(InvalidRequest("Bad value.", param="previous_response_id"))
    assert wrong.message == "Bad value. The error is in an item of the stored conversation."
    own = of_kept_items(InvalidRequest("Bad value.", param="input[0]"))
    assert own.message == "Bad value."


def test_an_unknown_response_has_openais_error() -> None:
    error = not_found("resp_1").envelope()["error"]
    assert error["code"] == "previous_response_not_found"
    assert (error["type"], error["param"]) == ("invalid_request_error", "previous_response_id")


def test_who_continues_what_could_not_be_stored_is_told_why() -> None:
    error = not_found("resp_1", "the store was full").envelope()["error"]
    assert error["code"] == "previous_response_not_found"
    assert error["message"] == (
        "Previous response with id 'resp_1' not found. It could not be stored when it was made: "
        "the store was full. Send the whole conversation in `input`."
    )
    assert not_stored("the store is full").endswith("can continue it: the store is full")


def test_a_store_that_is_down_is_worth_another_try() -> None:
    error = unavailable()
    assert (error.status, error.code) == (503, "store_unavailable")
    assert "cannot be read" in error.message
    deleting = unavailable(deleting=True)
    assert "cannot be deleted at the moment. Retry the request." in deleting.message
    assert "input" not in deleting.message
    assert ("retry-after", "1") in error.headers
