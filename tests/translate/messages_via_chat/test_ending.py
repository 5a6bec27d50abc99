"""The reason of an end: the first word counts, and what is found here goes before all words."""

from gateway.shapes import Shape
from gateway.translate.contract import Report
from gateway.translate.messages_via_chat.ending import Ending
from gateway.translate.parts.messages.reply_options import MessagesReplyOptions
from gateway.translate.parts.messages.stop_reasons import Stop


def ending(*native: str) -> Ending:
    return Ending(MessagesReplyOptions(native_stops=native), Report(Shape.MESSAGES, Shape.CHAT))


def test_of_two_words_the_first_one_counts() -> None:
    of = ending()
    assert of.word is None
    for word in ("", "length", "stop"):
        of.note({"finish_reason": word})
    of.speak()
    assert of.is_cut_short
    assert of.stop(has_tool_calls=False, found=None) == Stop("max_tokens")


def test_a_stop_sequence_that_was_found_here_goes_before_all_words() -> None:
    of = ending("END")
    of.note({"finish_reason": "error", "stop_reason": "END"})
    assert of.stop(has_tool_calls=True, found="STOP") == Stop("stop_sequence", "STOP")


def test_a_stop_sequence_at_a_limit_or_after_calls_is_not_the_reason() -> None:
    of = ending("END")
    of.note({"finish_reason": "stop", "stop_reason": "END"})
    assert of.stop(has_tool_calls=True, found=None) == Stop("tool_use")
    assert of.stop(has_tool_calls=False, found=None) == Stop("stop_sequence", "END")


def test_a_refusal_goes_before_the_word() -> None:
    of = ending()
    of.refuse("I ")
    of.refuse("won't.")
    of.note({"finish_reason": "stop"})
    assert of.stop(has_tool_calls=False, found=None) == Stop("refusal", explanation="I won't.")
