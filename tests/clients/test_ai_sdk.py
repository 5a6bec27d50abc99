"""Vercel's AI SDK with its defaults: it refers to what was said by the ids of items."""

import itertools
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from gateway.config.store_settings import ResponsesSettings
from gateway.shapes import Json
from tests.authorities import for_programs
from tests.clients.programs import NODE
from tests.clients.running import Stage, stage

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
TALKS = Path(__file__).with_name("node") / "ai_sdk.mjs"
CHAT_ONLY, RESPONSES_ONLY = "gpt-3.5-turbo", "gpt-5-codex"
KEPT = ResponsesSettings(store="memory://")
UNKEPT = {"openai": {"store": False}}
GOOD = {
    "texts": ["The tool said: sunny"] * 2,
    "steps": [2, 2],
    "ran": ["please call weather", "call weather again"],
}


def result_of(running: Stage, model: str, **more: Any) -> Json:
    """Return what came of two turns with the tool."""
    command = ["node", "--input-type=module", "--eval", TALKS.read_text("utf-8"), running.base_url]
    done = subprocess.run(
        command,
        cwd=NODE.installed(),
        env=for_programs(),
        input=json.dumps({"model": model, **more}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result: Json = json.loads(done.stdout)
    return result


def bodies(running: Stage) -> list[Json]:
    return [json.loads(each.body) for each in running.upstream.journal if each.body]


def referred(body: Json) -> set[str]:
    """The types of items that a request refers to by their ids."""
    ids = [item["id"] for item in body["input"] if item.get("type") == "item_reference"]
    return {each.partition("_")[0] for each in ids}


def test_a_two_turn_tool_loop_on_a_chat_only_model_that_the_gateway_keeps() -> None:
    with stage(responses=KEPT) as running:
        assert result_of(running, CHAT_ONLY) == GOOD
        assert running.upstream_paths() == ["POST /v1/chat/completions"] * 4
        requests = [body["messages"] for body in bodies(running)]
        roles = [message["role"] for message in requests[-1]]
        assert roles == ["user", "assistant", "tool", "assistant", "user", "assistant", "tool"]
        for earlier, later in itertools.pairwise(requests):
            assert later[: len(earlier)] == earlier


@pytest.mark.parametrize("more", [{"options": UNKEPT}, {"chat": True}])
def test_without_a_store_the_client_can_send_what_was_said(more: Json) -> None:
    with stage() as running:
        assert result_of(running, CHAT_ONLY, **more) == GOOD
        assert len(bodies(running)[-1]["messages"]) == 7


def test_without_a_store_the_refusal_names_both_remedies() -> None:
    with stage() as running:
        refused = result_of(running, CHAT_ONLY)
    assert refused["status"] == 400
    assert "as clients do once 'store' is false" in refused["error"]
    assert "responses.store" in refused["error"]


def test_a_model_at_responses_keeps_its_items_itself() -> None:
    with stage() as running:
        assert result_of(running, RESPONSES_ONLY) == GOOD
        assert {record.status for record in running.upstream.journal} == {200}
        assert referred(bodies(running)[-1]) == {"rs", "msg"}


def test_a_model_at_responses_gets_its_reasoning_back_from_a_client_that_keeps_it() -> None:
    with stage() as running:
        assert result_of(running, RESPONSES_ONLY, options=UNKEPT) == GOOD
        last = bodies(running)[-1]
    assert referred(last) == set()
    sealed = [
        item["encrypted_content"] for item in last["input"] if item.get("type") == "reasoning"
    ]
    assert len(sealed) == 3
