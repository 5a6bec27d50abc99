import pytest

from gateway.demo.refusals import Refused
from gateway.demo.scenarios import Scenario, Trick, scenario_in


@pytest.mark.parametrize("trick", list(Trick))
def test_every_command_is_found_within_a_rendered_prompt(trick: Trick) -> None:
    assert scenario_in(f"User: !{trick} please\n\nAssistant:").trick is trick


@pytest.mark.parametrize("text", ["", "hello", "wow!slow", "!slowly", "! slow", "!unknown"])
def test_other_texts_are_no_commands(text: str) -> None:
    assert scenario_in(text) == Scenario()


def test_the_first_command_counts_and_may_carry_a_number() -> None:
    assert scenario_in("!count 12 !slow") == Scenario(Trick.COUNT, 12)
    assert scenario_in("!count twelve") == Scenario(Trick.COUNT, 1)
    assert scenario_in("!count 1234567") == Scenario(Trick.COUNT, 1)


@pytest.mark.parametrize(
    ("trick", "stream", "status"),
    [
        (Trick.RATE_LIMITED, True, 429),
        (Trick.SERVER_ERROR, True, 500),
        (Trick.OVERLOADED, False, 503),
        (Trick.FAIL_MIDSTREAM, False, 500),
    ],
)
def test_some_commands_refuse_the_call(trick: Trick, stream: bool, status: int) -> None:
    with pytest.raises(Refused) as caught:
        Scenario(trick).refuse_if_asked("m", stream=stream)
    assert caught.value.status == status


def test_a_stream_that_is_to_fail_later_begins() -> None:
    Scenario(Trick.FAIL_MIDSTREAM).refuse_if_asked("m", stream=True)


def test_words_are_replaced_only_where_the_command_says_so() -> None:
    assert Scenario(Trick.COUNT, 4).words("plain") == "1 2 3 4"
    assert Scenario(Trick.CONTENT_FILTER).words("plainly!") == "plai"
    assert Scenario(Trick.ENDLESS).words("plain").startswith("tick tick ")
    assert Scenario(Trick.SLOW).words("plain") == "plain"


def test_only_an_endless_reply_ignores_its_limit() -> None:
    assert Scenario(Trick.ENDLESS).limit(16) is None
    assert Scenario(Trick.COUNT).limit(16) == 16


def test_the_content_filter_is_a_finish_reason() -> None:
    assert Scenario(Trick.CONTENT_FILTER).finish == "content_filter"
    assert Scenario().finish == "stop"
