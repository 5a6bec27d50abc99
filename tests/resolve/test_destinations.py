import pytest

from gateway.resolve.destinations import (
    Destination,
    behind_a_misleading_hint,
    not_at_completions,
    not_at_responses,
    not_for_this_operation,
)
from gateway.shapes import Shape

COMPLETIONS, CHAT, RESPONSES = Shape.COMPLETIONS, Shape.CHAT, Shape.RESPONSES
EMBEDDINGS = Destination((), "embeddings")


def to(*right: Shape) -> Destination:
    return Destination(right)


@pytest.mark.parametrize(
    ("model", "hinted", "from_completions", "from_responses", "from_operation"),
    [
        ("davinci-002", to(COMPLETIONS), to(CHAT), to(COMPLETIONS), to(COMPLETIONS)),
        (
            "o1-pro",
            to(RESPONSES, COMPLETIONS),
            to(RESPONSES, CHAT),
            to(CHAT, COMPLETIONS),
            to(RESPONSES),
        ),
        ("gpt-4o", to(RESPONSES, COMPLETIONS), to(CHAT), to(CHAT, COMPLETIONS), to(CHAT)),
        ("text-embedding-3-large", EMBEDDINGS, to(CHAT), EMBEDDINGS, EMBEDDINGS),
        ("gpt-audio", to(), to(CHAT), to(CHAT, COMPLETIONS), to(CHAT)),
        ("gpt-realtime", to(), to(CHAT), to(), to()),
        ("", to(RESPONSES, COMPLETIONS), to(CHAT), to(CHAT, COMPLETIONS), to(CHAT)),
    ],
)
def test_a_name_decides_where_a_refusal_does_not(
    model: str,
    hinted: Destination,
    from_completions: Destination,
    from_responses: Destination,
    from_operation: Destination,
) -> None:
    assert behind_a_misleading_hint(model) == hinted
    assert not_at_completions(model) == from_completions
    assert not_at_responses(model) == from_responses
    assert not_for_this_operation(model) == from_operation
