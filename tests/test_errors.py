"""Errors about parameters that the client calls by another name."""

import pytest

from gateway.errors import InvalidRequest, UnsupportedParameter


@pytest.mark.parametrize(
    ("name", "message"),
    [("input[0]", "'input[0]' has no place."), (None, "'messages[1]' has no place.")],
)
def test_an_error_is_the_same_but_for_its_name(name: str | None, message: str) -> None:
    error = UnsupportedParameter("'messages[1]' has no place.", param="messages[1]", status=404)
    renamed = error.renamed(name)
    assert isinstance(renamed, UnsupportedParameter)
    assert (renamed.param, renamed.message) == (name, message)
    assert (renamed.code, renamed.status) == ("unsupported_parameter", 404)


def test_an_error_about_no_parameter_can_be_given_one() -> None:
    assert InvalidRequest("No.").renamed("input").message == "No."
