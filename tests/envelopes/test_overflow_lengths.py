"""The lengths that servers name where a prompt and its reply are too long together."""

from time import process_time

import pytest

from gateway.envelopes.overflow_lengths import Lengths, lengths_in, numbers_in, parts_in

_OPENAI = "This model's maximum context length is 16385 tokens. However, you requested"
TEXTS = [
    f"{_OPENAI} 17006 tokens (622 in the messages, 16384 in the completion). Please reduce it.",
    f"{_OPENAI} 1 tokens (600 in the messages, 22 in the functions, and 16384 in the completion).",
    # llama-cpp-python
    (
        "This model's maximum context length is 16385 tokens, however you requested 17006 tokens "
        "(622 in your prompt; 16384 for the completion). Please reduce your prompt."
    ),
    # vLLM
    (
        f"{_OPENAI} 16384 output tokens and your prompt contains at least 622 input tokens, for a "
        "total of at least 17006 tokens. Please reduce the length of the input prompt."
    ),
    (
        "'max_tokens' or 'max_completion_tokens' is too large: 16384. This model's maximum context "
        "length is 16385 tokens and your request has 622 input tokens (16384 > 16385 - 622)."
    ),
    # SGLang
    (
        "Requested token count exceeds the model's maximum context length of 16385 tokens. You "
        "requested a total of 17006 tokens: 622 tokens from the input messages and 16384 tokens"
        " for the completion. Please reduce the number of tokens in the input messages."
    ),
    # Text Generation Inference
    (
        "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 16385. Given: 622 "
        "`inputs` tokens and 16384 `max_new_tokens`"
    ),
    # Anthropic
    (
        "input length and `max_tokens` exceed context limit: 622 + 16384 > 16385, decrease input "
        "length or `max_tokens` and try again"
    ),
    # OpenRouter
    (
        "This endpoint's maximum context length is 16385 tokens. However, you requested about 17006"
        " tokens (600 of text input, 22 of tool input, 16384 in the output)."
    ),
]


@pytest.mark.parametrize("message", TEXTS)
def test_the_room_beside_the_prompt_follows_from_the_message(message: str) -> None:
    lengths = lengths_in(message)
    assert lengths == Lengths(prompt=622, reply=16_384, context=16_385)
    assert lengths.room == 15_763


@pytest.mark.parametrize(
    "message",
    [
        # Too long by itself.
        f"{_OPENAI} 40000 tokens (23616 in the messages, 16384 in the completion).",
        f"{_OPENAI} 16386 tokens (16385 in the messages, 1 in the completion).",
        # Not too long at all.
        f"{_OPENAI} 30 tokens (20 in the messages, 10 in the completion).",
        "Given: 622 `inputs` tokens and 16384 `max_new_tokens`",
        f"{_OPENAI} 17006 tokens.",
        "input length and `max_tokens` exceed context limit: 16385 + 2 > 16385",
        "No.",
    ],
)
def test_other_messages_leave_no_room(message: str) -> None:
    assert lengths_in(message) is None


def test_a_prompt_may_be_longer_than_it_was_counted() -> None:
    message = (
        "You passed 98305 input tokens and requested 32768 output tokens. However, the model's "
        "context length is only 131072 tokens, resulting in a maximum input length of 98304 tokens."
    )
    assert lengths_in(message) == Lengths(98_305, 32_768, 131_072, is_least=True)
    alone = message.replace("98305", "131073").replace("32768", "0")
    assert lengths_in(alone) is None
    counted_whole = message.replace("98305", "98310")
    assert lengths_in(counted_whole) == Lengths(98_310, 32_768, 131_072)
    in_2026 = (
        "This model's maximum context length is 131072 tokens. However, you requested 32768 output "
        "tokens and your prompt contains at least 98305 input tokens, for a total of at least "
        "131073 tokens."
    )
    assert lengths_in(in_2026) == Lengths(98_305, 32_768, 131_072, is_least=True)


@pytest.mark.parametrize(
    "message",
    [
        (
            "You passed 999999 input characters and requested 32768 output tokens. However, the "
            "model's context length is only 131072 tokens, resulting in a maximum input length of "
            "98304 tokens (at most 589824 characters)."
        ),
        (
            "This model's maximum context length is 131072 tokens. However, you requested 32768 "
            "output tokens and your prompt contains 999999 characters (more than 589824 "
            "characters, which is the upper bound for 98304 input tokens)."
        ),
    ],
)
def test_a_prompt_of_too_many_characters_is_not_counted(message: str) -> None:
    assert lengths_in(message) == Lengths(98_305, 32_768, 131_072, is_least=True)
    assert lengths_in(message.replace("32768", "0")) is None
    assert all(number < 200_000 for number, _ in numbers_in(message))


def test_the_parts_are_told_apart_whatever_the_context_is() -> None:
    assert parts_in("Given: 9000 `inputs` tokens and 200 `max_new_tokens`") == (9000, 200)
    assert parts_in("You requested 9200 tokens.") is None


def test_a_number_is_a_limit_by_what_stands_before_it() -> None:
    message = "The limit is 4,096 tokens; the prompt has 9000 tokens, of v1.25 and abc12."
    assert numbers_in(message) == [(4096, True), (9000, False)]


@pytest.mark.parametrize(
    "message",
    [
        f"{_OPENAI} 30 tokens. The limit is 1{',000' * 2000}.",
        f"The limit is {'1,000,000,' * 600} tokens.",
        "The limit is " + "9" * 6000,
        "The context length is ,",
        "The context length of ,,,,,, is 9",
    ],
)
def test_what_is_not_a_number_is_read_as_none(message: str) -> None:
    assert lengths_in(message) is None
    assert all(number < 10**12 for number, _ in numbers_in(message))


@pytest.mark.parametrize("filler", ["400 ", "max_400 ", "limit 400 ", "a 1,000 "])
def test_a_message_of_many_numbers_is_read_at_once(filler: str) -> None:
    message = filler * (30_000 // len(filler))
    began = process_time()
    assert lengths_in(message) is None
    assert len(numbers_in(message)) <= 30_000 // len(filler)
    assert process_time() - began < 0.5
