"""The policy for parameters that OpenAI does not know."""

from typing import Literal

import pytest

from gateway.config.translation_settings import TranslationSettings
from gateway.errors import InvalidRequest
from gateway.shapes import Shape
from gateway.translate.contract import Context, Report
from gateway.translate.limits.capabilities import Capabilities
from gateway.translate.schema.extra_params import extras_to_send, policy_for

Policy = Literal["auto", "pass", "drop", "refuse"]


def context(policy: Policy, *, strict: bool = True) -> Context:
    settings = TranslationSettings(extra_params=policy)
    return Context("m", "m", settings, Capabilities(strict_params=strict))


@pytest.mark.parametrize(
    ("policy", "strict", "applied"),
    [
        ("auto", True, "refuse"),
        ("auto", False, "pass"),
        ("pass", True, "pass"),
        ("drop", False, "drop"),
        ("refuse", False, "refuse"),
    ],
)
def test_auto_does_what_the_server_would_do(policy: Policy, strict: bool, applied: str) -> None:
    assert policy_for(context(policy, strict=strict)) == applied


@pytest.mark.parametrize(
    ("policy", "sent", "dropped"),
    [
        ("pass", ["top_k", "format"], ["store", "echo"]),
        ("drop", [], ["store", "top_k", "echo", "format"]),
    ],
)
def test_what_is_not_sent_is_reported(policy: Policy, sent: list[str], dropped: list[str]) -> None:
    report = Report(Shape.CHAT, Shape.COMPLETIONS)
    client = {"top_k": -1, "echo": True, "store": True, "format": "x"}
    assert [*extras_to_send(client, client, context(policy), report, dropped={"echo"})] == sent
    assert report.dropped == dropped


@pytest.mark.parametrize(("policy", "is_sent"), [("auto", True), ("refuse", False)])
def test_auto_sends_what_is_known_everywhere(policy: Policy, is_sent: bool) -> None:
    report = Report(Shape.COMPLETIONS, Shape.CHAT)
    extras = extras_to_send(
        ["format"],
        {"format": "x"},
        context(policy),
        report,
        known_everywhere=frozenset({"format"}),
    )
    if is_sent:
        assert [*extras] == ["format"]
    else:
        with pytest.raises(InvalidRequest, match="format"):
            next(extras)


@pytest.mark.parametrize(
    ("client", "problem"),
    [
        (Shape.COMPLETIONS, "Unrecognized request argument supplied: top_k."),
        (Shape.CHAT, "Unrecognized request argument supplied: top_k."),
        (Shape.RESPONSES, "Unknown parameter: 'top_k'."),
    ],
)
def test_a_refusal_has_the_words_of_the_clients_endpoint(client: Shape, problem: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        next(extras_to_send(["top_k"], {"top_k": 7}, context("refuse"), Report(client, Shape.CHAT)))
    assert (caught.value.param, caught.value.code) == ("top_k", "unknown_parameter")
    assert caught.value.message == (
        f"{problem} Remove it, or ask the gateway's operator to pass or drop it (extra_params)."
    )


@pytest.mark.parametrize("policy", ["auto", "refuse"])
@pytest.mark.parametrize(
    ("name", "neutral", "asking"),
    [
        ("search_parameters", {"mode": "off"}, {"mode": "on"}),
        ("safe_prompt", False, True),
        ("top_k", -1, 40),
        ("repetition_penalty", 1.0, 1.1),
    ],
)
def test_a_value_that_means_the_same_as_none_is_never_refused(
    policy: Policy, name: str, neutral: object, asking: object
) -> None:
    report = Report(Shape.CHAT, Shape.RESPONSES)
    assert [*extras_to_send([name], {name: neutral}, context(policy), report)] == []
    assert report.dropped == []
    with pytest.raises(InvalidRequest) as caught:
        next(extras_to_send([name], {name: asking}, context(policy), report))
    assert caught.value.param == name
