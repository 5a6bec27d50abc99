"""Whether the roles of messages alternate."""

import pytest

from gateway.fast.alternating import alternate
from gateway.fast.forms.response_text_requests import ResponseText


@pytest.mark.parametrize(
    ("roles", "expected"),
    [("", True), ("u", True), ("ua", True), ("uau", True), ("uu", False), ("uaau", False)],
)
def test_roles_alternate_or_not(roles: str, *, expected: bool) -> None:
    names = {"u": "user", "a": "assistant"}
    assert alternate([ResponseText(names[role], "Hi") for role in roles]) is expected
