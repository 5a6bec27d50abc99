"""Every recorded refusal, answered over a socket: what it says is what the gateway does."""

from typing import Any

import pytest

from gateway.exchange.params.fixing import parameter_names
from gateway.resolve.refusals.fixed_bodies import LOWERING, parameter_value
from gateway.resolve.refusals.parameter_fixes import ParameterFix
from gateway.shapes import Json, Shape
from tests import kinds
from tests.clients.resolution.asking import RIGHT
from tests.clients.resolution.scene import (
    EMPTY,
    MODEL,
    RESTRICTED,
    Scene,
    answer,
    as_json,
    at_once,
    listing,
)
from tests.clients.resolution.stage import A_MOMENT, set_up
from tests.resolve.recorded_errors import RECORDED, RecordedError
from tests.upstream.scripted import with_length

pytestmark = pytest.mark.anyio

VALUES: dict[str, Any] = {
    "frequency_penalty": 0.5,
    "logit_bias": {"1": 1},
    "logprobs": True,
    "messages": [{"role": "user", "content": "Hello"}],
    "max_completion_tokens": 64,
    "max_output_tokens": 64,
    "max_tokens": 64,
    "parallel_tool_calls": False,
    "presence_penalty": 0.5,
    "reasoning_effort": "xhigh",
    "stop": ["###"],
    "store": True,
    "temperature": 0.5,
    "tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}],
    "top_logprobs": 2,
    "top_p": 0.5,
    "user": "someone",
}
"""What a request says of the parameters that recorded replies refuse."""

AT_ENDPOINTS = [row for row in RECORDED if row.called is not None and row.status is not None]


def recorded(row: RecordedError) -> bytes:
    status = f"{row.status} Recorded"
    if isinstance(row.body, str):
        return with_length(row.body.encode(), status, "Content-Type: text/html")
    return as_json(row.body, status)


def refusing(row: RecordedError, models: bytes) -> Scene:
    """A server that gives the recorded reply where it was seen, and answers everywhere else."""

    def is_fixed(body: Json) -> bool:
        names = parameter_names(body)
        return all(
            fix.name not in names
            or (fix.action == "replace" and parameter_value(body, fix.name) == fix.to)
            for fix in row.fixes
        )

    def generate(scene: Scene, shape: Shape, body: Json) -> bytes:
        if shape is row.called and not (row.fixes and is_fixed(body)):
            return recorded(row)
        return answer(shape, scene.model, streamed=body.get("stream", False))

    return Scene(
        "recorded",
        row.called,
        at_once(models),
        at_once(EMPTY if models != RESTRICTED else RESTRICTED),
        model=row.model or MODEL,
        generate=generate,
    )


def parameters(row: RecordedError) -> dict[str, Any]:
    names = {fix.name for fix in row.fixes} | row.also_sent
    if row.id == "openai-messages-sent-to-completions":
        names |= {"messages"}
    refused = {fix.name: fix.given for fix in row.fixes if fix.given}
    return {name: refused.get(name, VALUES[name]) for name in names if name in VALUES}


def is_choice(fix: ParameterFix) -> bool:
    """Whether a fix takes one of the values that do not go together."""
    return fix.once or fix.action == "yield"


MOVING = [
    row
    for row in AT_ENDPOINTS
    if row.label == "wrong_endpoint" and row.right_endpoint in set(Shape)
]
FIXED = [
    row
    for row in AT_ENDPOINTS
    if row.label == "unsupported_parameter"
    and row.fixes
    and all(fix.name in VALUES for fix in row.fixes)
    and not any(fix.name == "logprobs" or fix.action in LOWERING for fix in row.fixes)
    and not (row.called is Shape.MESSAGES and any(map(is_choice, row.fixes)))
    and row.id != "transformers-unexpected-stop"
]
LIMITED = [row for row in AT_ENDPOINTS if any(fix.action in LOWERING for fix in row.fixes)]
WITHHELD = [
    row
    for row in AT_ENDPOINTS
    # At responses the server's own error is the answer, which names no parameter.
    if row.called is not Shape.RESPONSES and any(fix.name == "logprobs" for fix in row.fixes)
]
ABSENT = [row for row in AT_ENDPOINTS if row.label in ("model_not_found", "model_retired")]


UNLEARNED = {"openai-messages-sent-to-completions", "xai-file-content-on-chat"}
"""What is a request's fault, and not its model's."""


async def test_a_refused_endpoint_leads_to_the_right_one() -> None:
    assert len(MOVING) > 25
    async with set_up(kinds.OTHER) as stage:
        for row in MOVING:
            assert row.called is not None
            scene = stage.set(refusing(row, RESTRICTED))
            for calls in (2, 2) if row.id in UNLEARNED else (2, 1):
                said, called = await stage.answered(scene, row.called, **parameters(row))
                assert said == RIGHT[row.called], row.id
                assert (called[-1], len(called)) == (row.right_endpoint, calls), row.id
                stage.clock.advance(A_MOMENT)


async def test_a_refused_parameter_is_fixed() -> None:
    assert len(FIXED) > 20
    async with set_up(kinds.OTHER) as stage:
        for row in FIXED:
            assert row.called is not None
            scene = stage.set(refusing(row, RESTRICTED))
            for calls in (2, 1):
                said, called = await stage.answered(scene, row.called, **parameters(row))
                assert said == RIGHT[row.called], row.id
                assert called == [row.called] * calls, row.id
                stage.clock.advance(A_MOMENT)


async def test_a_limit_that_is_too_large_is_refused_where_the_client_chose_the_endpoint() -> None:
    assert LIMITED
    async with set_up(kinds.OTHER) as stage:
        for row in LIMITED:
            assert row.called is not None
            scene = stage.set(refusing(row, RESTRICTED))
            reply = await stage.ask(scene, row.called, **parameters(row))
            assert reply.status == row.status, row.id
            assert scene.calls == [row.called], row.id


async def test_a_refused_parameter_that_asks_for_something_is_refused_by_its_name() -> None:
    assert len(WITHHELD) >= 3
    async with set_up(kinds.OTHER) as stage:
        for row in WITHHELD:
            assert row.called is not None
            scene = stage.set(refusing(row, RESTRICTED))
            reply = await stage.ask(scene, row.called, **parameters(row))
            assert (reply.status, reply.error["param"]) == (400, "logprobs"), row.id
            assert scene.calls == [row.called], row.id


async def test_a_missing_model_that_no_list_has_costs_one_call() -> None:
    assert len(ABSENT) > 30
    async with set_up(kinds.OTHER) as stage:
        for row in ABSENT:
            assert row.called is not None
            scene = stage.set(refusing(row, listing("another")))
            reply = await stage.ask(scene, row.called)
            assert reply.status >= 400, row.id
            assert reply.error["param"] == "model", row.id
            assert "The gateway asked upstream 'main'" in reply.error["message"], row.id
            assert scene.calls == [row.called], row.id


async def test_any_other_error_is_passed_on_as_it_is() -> None:
    others = [row for row in AT_ENDPOINTS if row.label == "other" and row.status != 404]
    assert len(others) > 20
    async with set_up(kinds.OPENAI) as stage:
        for row in others:
            assert row.called is not None
            scene = stage.set(refusing(row, RESTRICTED))
            reply = await stage.ask(scene, row.called)
            assert recorded(row).endswith(reply.body), row.id
            assert (reply.status, scene.calls) == (row.status, [row.called]), row.id
