"""The one record of a client's request."""

import pytest
from msgspec import structs

from gateway.config.settings import ClientSettings
from gateway.errors import PayloadTooLarge
from gateway.request import GenerationRequest, Head, check_size
from gateway.shapes import ClientHeaders, ItemNames, Shape

CLIENT = ClientSettings("team-a", ("0" * 64,), ("gpt-*",))


def test_a_body_may_be_as_large_as_its_limit() -> None:
    check_size(0, 4)
    check_size(4, 4)
    with pytest.raises(PayloadTooLarge, match="larger than 4 bytes") as refused:
        check_size(5, 4)
    assert (refused.value.status, refused.value.code) == (413, "request_too_large")


def test_the_path_of_a_head_reads_as_it_is_meant() -> None:
    head = Head("GET", b"/v1/models/org%2Fm%C3%BCller", b"", ClientHeaders())
    assert head.path == "/v1/models/org/müller"


def test_a_request_with_its_body_is_the_same_but_for_that() -> None:
    headers = ClientHeaders([(b"accept", b"*/*")])
    admitted = GenerationRequest(
        "POST", "/responses", b"a=1", headers, b"", CLIENT, "m", 3, Shape.RESPONSES
    )
    whole = admitted.with_body(b"{}\n")
    assert whole == GenerationRequest(
        "POST", "/responses", b"a=1", headers, b"{}\n", CLIENT, "m", None, Shape.RESPONSES
    )
    assert whole.headers is headers


@pytest.mark.parametrize("is_unsealed", [False, True])
def test_a_request_of_utf8_is_the_same_but_for_what_is_known(*, is_unsealed: bool) -> None:
    call = GenerationRequest(
        *("POST", "/responses", b"a=1", ClientHeaders(), b"{}", CLIENT, "m", 3),
        *(Shape.RESPONSES, ItemNames([0]), True, True),
    )
    known = call.of_utf8(is_unsealed=is_unsealed)
    assert known == structs.replace(call, is_utf8=True, is_unsealed=is_unsealed) != call


@pytest.mark.parametrize("shape", Shape)
def test_a_request_of_a_shape_is_posted_to_its_endpoint(shape: Shape) -> None:
    made = GenerationRequest.at(shape, b"{}", ((b"a", b"b"),), b"q=1", CLIENT)
    assert (made.method, made.path, made.query) == ("POST", shape.path, b"q=1")
    assert (made.shape, made.body, made.client, made.model) == (shape, b"{}", CLIENT, None)


def test_what_a_request_carries_is_not_printed() -> None:
    made = GenerationRequest.at(Shape.CHAT, b"a secret", ((b"authorization", b"a secret"),))
    assert "a secret" not in repr(made)
