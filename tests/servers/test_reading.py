"""How marks and fields of model lists are read; what each software's say is in `recorded/`."""

from typing import Any

import pytest

from gateway.servers.reading import (
    EMBEDDINGS,
    IMAGES,
    Capability,
    by_modalities,
    has,
    other,
    owned_by,
    shapes_if,
)
from gateway.shapes import Shape


def test_a_model_that_generates_no_text_lives_at_the_paths_that_there_are() -> None:
    assert other("type is x", EMBEDDINGS, "", IMAGES) == Capability(
        "type is x", generative=False, other_endpoints=(EMBEDDINGS, IMAGES)
    )
    assert other("type is x", "").other_endpoints == ()


def test_the_shapes_whose_condition_holds_are_chosen_in_order() -> None:
    shapes = shapes_if((True, Shape.RESPONSES), (False, Shape.CHAT), (True, Shape.COMPLETIONS))
    assert shapes == (Shape.RESPONSES, Shape.COMPLETIONS)


@pytest.mark.parametrize(
    ("modalities", "capability"),
    [
        (["text"], Capability('out are ["text"]', (Shape.CHAT,), silent_on=(Shape.RESPONSES,))),
        (
            ["image", "text"],
            Capability('out are ["image", "text"]', (Shape.CHAT,), silent_on=(Shape.RESPONSES,)),
        ),
        (["embeddings"], other('out are ["embeddings"]', EMBEDDINGS)),
        (["image"], other('out are ["image"]')),
        ([], None),
        ("text", None),
        (None, None),
    ],
)
def test_output_modalities_show_which_models_make_text(
    modalities: object, capability: Capability | None
) -> None:
    read = by_modalities({"out": modalities}, "out", (Shape.CHAT,), silent_on=(Shape.RESPONSES,))
    assert read == capability


@pytest.mark.parametrize(
    ("entry", "bears"),
    [({"owned_by": "me"}, True), ({"owned_by": ["me"]}, False), ({"owned_by": "x"}, False)],
)
def test_an_owner_is_a_mark(entry: dict[str, Any], bears: bool) -> None:
    assert owned_by("me")(entry) is bears
    assert not owned_by("me")({})


def test_keys_are_a_mark_together() -> None:
    mark = has("a", "b")
    assert mark({"a": None, "b": 1, "c": 2})
    assert not mark({"a": 1})
