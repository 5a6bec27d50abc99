"""Which of OpenAI's paths a path means."""

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.api.paths import WITHOUT_V1, Place, place_of, without_duplicates


@pytest.mark.parametrize(
    ("raw", "below", "model"),
    [
        (b"/v1/chat/completions", "/chat/completions", None),
        (b"/v1/chat/completions/", "/chat/completions", None),
        (b"/chat/completions", "/chat/completions", None),
        (b"/completions", "/completions", None),
        (b"/responses/resp_1/input_items", "/responses/resp_1/input_items", None),
        (b"/models", "/models", None),
        (b"/models/", "/models", None),
        (b"/openai/v1/responses", "/responses", None),
        (b"/openai/models", "/models", None),
        (b"/openai/fine_tuning/jobs/ftjob-1", "/fine_tuning/jobs/ftjob-1", None),
        (b"/openai/deployments", "/deployments", None),
        (b"/openai/deployments/bot", "/deployments/bot", None),
        (b"/openai/deployments/bot/", "/deployments/bot", None),
        (b"/openai/deployments/bot/completions", "/completions", "bot"),
        (b"/openai/deployments/bot/chat/completions/", "/chat/completions", "bot"),
        (b"/openai/deployments/a%2Fb%20c%3A1/embeddings", "/embeddings", "a/b c:1"),
        (b"/openai/deployments/a+b/embeddings", "/embeddings", "a+b"),
        (b"/openai/deployments/org/name/completions", "/completions", "org/name"),
        (b"/openai/deployments/org/name/chat/completions/", "/chat/completions", "org/name"),
        (b"/openai/deployments/a/b/c%20d/embeddings", "/embeddings", "a/b/c d"),
        (b"/openai/deployments/org/name/responses", "/responses", "org/name"),
        (b"/openai/deployments/chat/completions", "/completions", "chat"),
        (
            b"/openai/deployments/bot/extensions/chat/completions",
            "/extensions/chat/completions",
            "bot",
        ),
        (b"/openai/deployments/bot/files/f-1", "/files/f-1", "bot"),
        (b"/openai/deployments/org/name", "/name", "org"),
        (b"/v1/engines/curie%3Aft/completions", "/engines/curie%3Aft/completions", None),
        (b"/engines/curie/completions", "/engines/curie/completions", None),
        (b"/v1/anything/else", "/anything/else", None),
        (b"/v1/messages", "/messages", None),
        (b"/messages", "/messages", None),
        (b"/messages/count_tokens", "/messages/count_tokens", None),
        (b"/anthropic/v1/messages", "/messages", None),
        (b"/anthropic/v1/models/m", "/models/m", None),
    ],
)
def test_a_path_in_any_spelling_is_openais(raw: bytes, below: str, model: str | None) -> None:
    assert place_of(raw) == Place(below, model)


@pytest.mark.parametrize(
    "raw",
    [
        *(b"", b"/", b"*", b"chat/completions", b"/v1", b"/v1/", b"/v2/models", b"/chats"),
        *(b"/anthropic", b"/anthropic/v1", b"/anthropic/messages"),
        *(b"/openai", b"/openai/", b"/admin", b"/V1/models", b"/api/v1/models", b"/\xff"),
    ],
)
def test_a_path_that_is_none_of_openais_is_no_place(raw: bytes) -> None:
    assert place_of(raw) is None


@pytest.mark.parametrize(
    ("raw", "meant"),
    [
        (b"/v1/v1/engines/davinci/completions", b"/v1/engines/davinci/completions"),
        (b"/v1//v1/engines/davinci", b"/v1/engines/davinci"),
        (b"/v1/v1/v1/models", b"/v1/models"),
        (b"/v1/v1/messages", b"/v1/messages"),
        (b"/v1/v1/messages/count_tokens", b"/v1/messages/count_tokens"),
        (b"/anthropic/v1/v1/messages", b"/v1/messages"),
        (b"/anthropic//v1/messages", b"/v1/messages"),
        (b"//anthropic/v1//messages/", b"/v1/messages"),
        (b"/openai/v1/v1/models", b"/v1/models"),
        (b"/v1/openai/deployments/bot/completions", b"/openai/deployments/bot/completions"),
        (b"/openai//deployments/bot/completions", b"/openai/deployments/bot/completions"),
        (b"//v1/chat/completions", b"/v1/chat/completions"),
        (b"///v1///chat/completions", b"/v1/chat/completions"),
        (b"//chat/completions", b"/chat/completions"),
        (b"/v1//models", b"/v1/models"),
        (b"/v1/models//", b"/v1/models"),
        (b"/v1/models//org%2Fname", b"/v1/models/org%2Fname"),
        (b"/v1/chat//completions//", b"/v1/chat/completions"),
        (b"//audio//speech", b"/audio/speech"),
        (b"/v1/chat/completions/chat/completions", b"/v1/chat/completions"),
        (b"/v1/chat/completions//chat/completions/", b"/v1/chat/completions"),
        (b"/v1/completions/completions", b"/v1/completions"),
        (b"/v1/messages/v1/messages", b"/v1/messages"),
        (b"/v1/v1/responses/responses", b"/v1/responses"),
        (b"/responses/v1/responses/responses", b"/responses"),
        (b"/openai/v1/responses/responses", b"/v1/responses"),
        (b"/v1/v1", b"/v1"),
        (b"//", b"/"),
    ],
)
def test_what_is_doubled_where_a_base_url_ends_is_there_once(raw: bytes, meant: bytes) -> None:
    assert without_duplicates(raw) == meant


@pytest.mark.parametrize(
    "raw",
    [
        *(b"/v1/threads//runs", b"/v1/files//content", b"/openai/deployments//chat/completions"),
        *(b"/v1/chat/completions/completions", b"/v1/responses/responses/cancel"),
        *(b"/v1/completions/chat/completions", b"/v1/engines/completions/completions"),
        *(b"/v1/engines//completions", b"/v1/models/a//b", b"/v1x//y", b"x//y", b"http://h/v1"),
        *(
            b"/v1/v1x/models",
            b"/v1x/v1/models",
            b"/v1/models/v1/v1",
            b"/%76%31/v1/models",
            b"*",
            b"",
        ),
    ],
)
def test_what_could_mean_something_else_stays(raw: bytes) -> None:
    assert without_duplicates(raw) == raw


@given(
    st.binary(max_size=40), st.sampled_from([b"", b"/", b"/v1", b"/v1/", b"/openai/v1", b"//v1"])
)
def test_what_is_meant_means_itself(raw: bytes, base: bytes) -> None:
    meant = without_duplicates(base + raw)
    assert without_duplicates(meant) == meant


def test_the_canonical_path_is_still_encoded() -> None:
    place = place_of(b"/%2e/../models/a%2Fb")
    assert place is None
    place = place_of(b"/models/a%2Fb")
    assert place is not None
    assert place.canonical == "/v1/models/a%2Fb"


@given(st.text(st.characters(codec="utf-8"), min_size=1), st.sampled_from(sorted(WITHOUT_V1)))
def test_any_deployments_name_survives(name: str, endpoint: str) -> None:
    raw = f"/openai/deployments/{quote(name, safe='')}/{endpoint}".encode("ascii")
    assert place_of(raw) == Place(f"/{endpoint}", name)


@given(st.binary(max_size=60))
def test_any_bytes_are_a_place_below_v1_or_none(raw: bytes) -> None:
    for path in (raw, b"/v1/" + raw, b"/openai/deployments/" + raw):
        place = place_of(path)
        if place is not None:
            assert place.below.startswith("/")
            assert place.canonical.startswith("/v1/")
            assert place.model != ""
