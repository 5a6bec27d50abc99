"""Which completions requests are split, and that the rest of them stays."""

from typing import Any

import pytest

from gateway.translate.completions_fanned_out import is_needed
from gateway.translate.limits.capabilities import Capabilities
from tests.translate.completions_fanned_out.backend import LISTS, ONE_PROMPT, TOKENS, asking
from tests.translate.completions_via_chat.chat_backend import make_context


@pytest.mark.parametrize(
    ("prompt", "one_prompt", "lists", "tokens", "everything"),
    [
        ("a", False, False, False, False),
        (None, False, False, False, False),
        (5, False, False, False, False),
        (["a"], True, False, True, False),
        (["a", "b"], True, False, True, False),
        ([], True, False, True, False),
        ([1, 2], True, True, False, False),
        ([[1], [2]], True, True, True, False),
    ],
)
def test_a_list_is_split_only_before_a_server_that_does_not_take_it(
    prompt: object, one_prompt: bool, lists: bool, tokens: bool, everything: bool
) -> None:
    needed = [
        is_needed({"prompt": prompt}, make_context(able))
        for able in (ONE_PROMPT, LISTS, TOKENS, Capabilities())
    ]
    assert needed == [one_prompt, lists, tokens, everything]


def test_each_prompt_is_a_call_and_nothing_else_changes() -> None:
    more: Any = {
        "max_tokens": 5,
        "echo": True,
        "logprobs": 2,
        "stop": ["x"],
        "n": 2,
        "best_of": 3,
        "seed": 7,
        "top_k": 40,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    translation = asking(**more)
    assert translation.calls == [
        {"model": "sent", "prompt": prompt, **more} for prompt in ("a", "b")
    ]
    assert translation.report.header() == "from=completions; to=completions; emulated=prompt"
    assert translation.local_reply() is None


def test_nulls_are_left_out() -> None:
    assert asking(suffix=None).calls[0] == {"model": "sent", "prompt": "a"}
