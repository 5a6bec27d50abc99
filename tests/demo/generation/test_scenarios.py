import pytest

from gateway.demo.generation.scenarios import Behaviour, Scenario, scenario_in
from gateway.demo.refusals import Refused


@pytest.mark.parametrize("behaviour", list(Behaviour))
def test_every_command_is_found_within_a_rendered_prompt(behaviour: Behaviour) -> None:
    assert scenario_in(f"User: !{behaviour} please\n\nAssistant:").behaviour is behaviour


@pytest.mark.parametrize("text", ["", "hello", "wow!slow", "!slowly", "! slow", "!unknown"])
def test_other_texts_are_not_commands(text: str) -> None:
    assert scenario_in(text) == Scenario()


def test_the_first_command_counts_and_may_carry_a_number() -> None:
    assert scenario_in("!count 12 !slow") == Scenario(Behaviour.COUNT, 12)
    assert scenario_in("!count twelve") == Scenario(Behaviour.COUNT, 1)
    assert scenario_in("!count 1234567") == Scenario(Behaviour.COUNT, 1)


@pytest.mark.parametrize(
    ("behaviour", "stream", "status"),
    [
        (Behaviour.RATE_LIMITED, True, 429),
        (Behaviour.SERVER_ERROR, True, 500),
        (Behaviour.UNAVAILABLE, False, 503),
        (Behaviour.OVERLOADED, True, 529),
        (Behaviour.FAIL_MIDSTREAM, False, 500),
    ],
)
def test_some_commands_refuse_the_call(behaviour: Behaviour, stream: bool, status: int) -> None:
    with pytest.raises(Refused) as caught:
        Scenario(behaviour).refuse_if_asked("m", stream=stream)
    assert caught.value.status == status


def test_a_stream_that_is_to_fail_later_begins() -> None:
    Scenario(Behaviour.FAIL_MIDSTREAM).refuse_if_asked("m", stream=True)


def test_words_are_replaced_only_where_the_command_says_so() -> None:
    assert Scenario(Behaviour.COUNT, 4).text("usual") == "1 2 3 4"
    assert Scenario(Behaviour.CONTENT_FILTER).text("usually!") == "usua"
    assert Scenario(Behaviour.ENDLESS).text("usual").startswith("tick tick ")
    assert Scenario(Behaviour.SLOW).text("usual") == "usual"


def test_only_an_endless_reply_ignores_its_limit() -> None:
    assert Scenario(Behaviour.ENDLESS).limit(16) is None
    assert Scenario(Behaviour.COUNT).limit(16) == 16


def test_the_content_filter_is_a_finish_reason() -> None:
    assert Scenario(Behaviour.CONTENT_FILTER).finish == "content_filter"
    assert Scenario().finish == "stop"
