"""The report, and refusing or dropping what has no equivalent."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.translation_settings import LateSystem, TranslationSettings
from gateway.errors import UnsupportedParameter, UpstreamError
from gateway.shapes import ItemNames, Json, Shape
from gateway.translate.contract import (
    MAX_REPLY_CHARACTERS,
    Context,
    Report,
    StreamTranslation,
    check_reply_length,
    unsupported,
)
from gateway.translate.limits.capabilities import Capabilities

DROPPING = Context("m", "m", TranslationSettings(on_unsupported="drop"))


def test_the_header_names_both_shapes_and_what_happened() -> None:
    report = Report(Shape.COMPLETIONS, Shape.CHAT)
    assert report.header() == "from=completions; to=chat"
    report.drop("suffix")
    report.drop("suffix")
    report.change("max_tokens", 4, 16)
    report.rename("max_tokens", "max_completion_tokens")
    report.emulate("n")
    assert report.header() == (
        "from=completions; to=chat; dropped=suffix; "
        "changed=max_tokens:4->16,max_tokens->max_completion_tokens; emulated=n"
    )


def test_another_report_of_the_same_request_is_appended() -> None:
    report, other = (Report(Shape.RESPONSES, Shape.MESSAGES) for _ in range(2))
    report.drop("input[0].a")
    for each in (other, report):
        each.drop("tools[0].b")
        each.change("n", 1, 2)
    other.emulate("tools[1]")
    report.add(other)
    assert (report.dropped, report.changed) == (["input[0].a", "tools[0].b"], ["n:1->2"])
    assert report.emulated == ["tools[1]"]


def test_items_are_reported_as_the_client_calls_them() -> None:
    kept = "previous_response_id"
    report = Report(Shape.RESPONSES, Shape.CHAT, items=ItemNames([kept] * 70 + [0]))
    for position in range(70):
        report.drop(f"input[{position}].phase")
    report.drop("input[70].phase")
    report.change("input[70].content[0].detail", "original", "high")
    report.rename("input[0]", "message")
    report.emulate("input[70]")
    assert report.dropped == [kept, "input[0].phase"]
    assert report.changed == ["input[0].content[0].detail:original->high", f"{kept}->message"]
    assert report.emulated == ["input[0]"]


def test_an_item_that_has_become_a_message_is_not_a_renamed_parameter() -> None:
    report = Report(Shape.RESPONSES, Shape.RESPONSES)
    report.rename("input[0]", "message")
    report.rename("max_tokens", "max_completion_tokens")
    assert report.renamed == {"max_completion_tokens": "max_tokens"}


def test_a_report_has_64_entries_of_a_kind_at_most() -> None:
    report = Report(Shape.CHAT, Shape.CHAT)
    for number in range(70):
        report.drop(f"a{number}")
    assert report.dropped == [f"a{number}" for number in range(64)]


def test_a_name_cannot_pass_for_another_entry() -> None:
    report = Report(Shape.CHAT, Shape.CHAT)
    report.drop("a, b; changed=c\n")
    assert report.dropped == ["a_ b_ changed=c_"]


@given(st.lists(st.text(max_size=200), max_size=100))
def test_whatever_is_reported_the_header_is_one_short_printable_line(names: list[str]) -> None:
    report = Report(Shape.COMPLETIONS, Shape.RESPONSES)
    for name in names:
        report.drop(name)
        report.change(name, "old", "new")
        report.emulate(name)
    header = report.header()
    assert header.isascii()
    assert header.isprintable()
    assert len(header) < 2_000
    assert header.count("; dropped=") <= 1


def test_a_long_list_ends_between_two_entries() -> None:
    """As of an agent's hundredth turn: nginx takes no head of a reply beyond 4 KB."""
    report = Report(Shape.CHAT, Shape.MESSAGES)
    for turn in range(100):
        report.drop(f"messages[{turn}].reasoning_content")
    report.emulate("n")
    start, _, rest = report.header().partition("; dropped=")
    dropped, _, last = rest.partition("; ")
    assert (start, last) == ("from=chat; to=messages", "emulated=n")
    *entries, more = dropped.split(",")
    assert more == "..."
    assert entries == report.dropped[: len(entries)]
    assert 640 - len(",messages[10].reasoning_content") < len(dropped) <= 640
    assert len(report.dropped) == 64


@pytest.mark.parametrize("over", [0, 1])
def test_a_list_that_just_fits_is_whole(over: int) -> None:
    report = Report(Shape.CHAT, Shape.CHAT)
    for number in range(5):
        report.drop(f"{number}" * 120)
    report.drop("x" * (640 - 5 * 121 + over))
    assert report.header().endswith(f",{'4' * 120},..." if over else "x")


def test_an_entry_that_is_too_long_once_it_is_escaped_is_cut() -> None:
    report = Report(Shape.CHAT, Shape.CHAT)
    report.drop("\U0001f600" * 120)
    dropped = report.header().partition("; dropped=")[2]
    assert dropped.startswith(r"\U0001f600\U0001f600")
    assert dropped.endswith("...")
    assert len(dropped) == 640


def test_what_has_no_equivalent_is_refused_by_name() -> None:
    report = Report(Shape.CHAT, Shape.COMPLETIONS)
    with pytest.raises(UnsupportedParameter) as raised:
        unsupported(Context("m", "m"), report, "tools", "there are none.")
    assert raised.value.param == "tools"
    assert raised.value.message == (
        "'tools' is not supported for model 'm': there are none. "
        "Remove it, or ask the gateway's operator to drop it (on_unsupported: drop)."
    )
    with pytest.raises(UnsupportedParameter, match=r"Remove it\.$"):
        unsupported(DROPPING, report, "audio", "there is none.", droppable=False)


def test_an_unsupported_parameter_can_be_dropped_and_reported() -> None:
    report = Report(Shape.CHAT, Shape.COMPLETIONS)
    unsupported(DROPPING, report, "tools", "there are none.")
    assert report.dropped == ["tools"]


def test_a_context_can_be_had_for_another_backend() -> None:
    assert Context("m", "m").with_capabilities(Capabilities(n=False)).capabilities.n is False


def test_a_changed_context_is_the_same_but_for_what_has_changed() -> None:
    context = Context("a", "m", now=3, upstream="u", session="s", is_pivot=True)
    context.pivot = Context("p", "p")
    made = context.changed(session=None, new_id=str)
    assert made == replace(context, session=None, new_id=str)
    assert made.pivot is None
    assert context.session == "s"


class Simple(StreamTranslation):
    """A stream with nothing but what every stream has of its own."""

    def feed(self, call: int, event: Json) -> list[Json]:
        return [event]

    def end(self, call: int) -> list[Json]:
        return []


@pytest.mark.parametrize(
    ("configured", "becomes"),
    [("auto", "user"), ("keep", "keep"), ("user", "user"), ("hoist", "hoist")],
)
def test_the_operator_may_know_better_what_becomes_of_late_system_messages(
    configured: LateSystem, becomes: str
) -> None:
    able = Capabilities(late_system="user")
    settings = TranslationSettings(late_system=configured)
    assert Context("m", "m", settings, able).late_system == becomes


def test_an_error_in_a_stream_is_its_envelope_unless_the_shape_has_a_form_of_its_own() -> None:
    error = UnsupportedParameter("no", param="n")
    assert Simple().fail(error) == [error.envelope()]


def test_a_stream_is_read_to_its_end_and_event_by_event_unless_it_says_otherwise() -> None:
    assert not Simple().satisfied(0)
    assert not Simple().passes_text


def test_a_reply_that_is_too_long_names_the_clients_own_limit() -> None:
    check_reply_length(MAX_REPLY_CHARACTERS, "max_tokens")
    with pytest.raises(UpstreamError, match="Limit it with 'max_tokens'"):
        check_reply_length(MAX_REPLY_CHARACTERS + 1, "max_tokens")


def test_names_beyond_ascii_are_escaped_in_the_header() -> None:
    report = Report(Shape.CHAT, Shape.COMPLETIONS)
    report.drop("größe")
    assert report.header() == r"from=chat; to=completions; dropped=gr\xf6\xdfe"
