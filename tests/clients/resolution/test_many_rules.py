"""Many rules, and `gateway check`: work grows with them no faster than they do."""

import asyncio
import sys
from collections import defaultdict
from functools import partial
from pathlib import Path

import pytest

from gateway.config.checks.doubts import warnings
from gateway.config.settings import ModelRule, Settings, UpstreamSettings
from gateway.resolve.rules import Rules
from gateway.shapes import Json, Shape
from tests import kinds
from tests.clients.resolution.scene import (
    EMPTY,
    NO_ROUTE,
    HeldBack,
    Scene,
    answer,
    at_once,
    held,
    listing,
)
from tests.clients.resolution.stage import playing, set_up
from tests.steps import steps_of
from tests.upstream.scripted import scripted

pytestmark = pytest.mark.anyio

MAIN = UpstreamSettings("main", "http://127.0.0.1:1/v1")


def rules(count: int, pattern: str) -> Settings:
    made = [ModelRule(pattern.format(n), model=f"real-{n}") for n in range(count)]
    return Settings((MAIN,), models=tuple(made))


@pytest.mark.parametrize("pattern", ["alias-{}", "team-{}-*", "*-team-{}", "a{}[bc]?"])
def test_checking_is_linear_in_the_rules(pattern: str) -> None:
    few, many = rules(250, pattern), rules(1_000, pattern)
    assert steps_of(lambda: list(warnings(many))) < 6 * steps_of(lambda: list(warnings(few)))


@pytest.mark.parametrize("pattern", ["alias-{}", "team-{}-*"])
def test_a_rule_is_found_without_looking_at_all(pattern: str) -> None:
    few, many = Rules(rules(50, pattern)), Rules(rules(5_000, pattern))
    model = pattern.format(49).replace("*", "x")
    found, missed = few.rule_for(model), few.rule_for("nonesuch")
    assert (found and found.model, missed) == ("real-49", None)
    for asked in (model, "nonesuch"):
        find = partial(Rules.rule_for, model=asked)
        assert steps_of(partial(find, many)) <= 2 * steps_of(partial(find, few))


async def test_five_thousand_rules_and_the_right_one() -> None:
    made = [ModelRule(f"alias-{n}", model=f"real-{n}") for n in range(5_000)]
    made += [ModelRule(f"team-{n}-*", model=f"theirs-{n}") for n in range(5_000)]
    async with set_up(kinds.VLLM, rules=tuple(made)) as stage:
        scene = stage.set(Scene("rules", Shape.CHAT, at_once(listing("real-7")), at_once(NO_ROUTE)))
        for asked, sent in (("alias-7", "real-7"), ("team-4999-x", "theirs-4999"), ("b", "b")):
            scene.model = asked
            scene.generate = naming
            reply = await stage.ask(scene, Shape.CHAT)
            assert reply.status == 200
            assert scene.bodies[-1]["model"] == sent


def naming(scene: Scene, shape: Shape, body: Json) -> bytes:
    return answer(shape, str(body["model"]), streamed=False)


CONFIGURATION = """
upstreams:
  main: {{base_url: "http://127.0.0.1:{0}/v1", kind: vllm, timeouts: {{metadata: {2}}}}}
  second: {{base_url: "http://127.0.0.1:{1}/v1", kind: vllm, timeouts: {{metadata: {2}}}}}
models:
  ours: {{upstream: main, model: real-1}}
  theirs: {{upstream: second, model: real-2}}
  anywhere: {{model: real-2}}
  anywhere-else: {{model: real-1}}
"""


def to_all(scene: Scene) -> dict[str, Scene]:
    """Show a scene to everyone who asks."""
    return defaultdict(lambda: scene)


async def check(folder: Path, one: Scene, other: Scene, metadata: float) -> tuple[int, str]:
    """Run `gateway check` before two upstreams; return its exit code and what it printed."""
    async with scripted(playing(to_all(one))) as main, scripted(playing(to_all(other))) as second:
        path = folder / "config.yaml"
        path.write_text(CONFIGURATION.format(main.port, second.port, metadata))
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "gateway", "check", "--config", str(path)),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode is not None
        return process.returncode, said.decode()


async def test_check_asks_upstreams_that_hang_once(tmp_path: Path) -> None:
    one = Scene("check", None, held(EMPTY), at_once(NO_ROUTE))
    other = Scene("check", None, held(EMPTY), at_once(NO_ROUTE))
    code, said = await check(tmp_path, one, other, 0.3)
    assert code == 0, said
    assert (one.lookups, other.lookups) == (["/v1/models"], ["/v1/models"])


async def test_check_asks_upstreams_side_by_side(tmp_path: Path) -> None:
    """Each list comes only when the other one has been asked for."""
    one, other = HeldBack(listing("real-1")), HeldBack(listing("real-2"))
    one.opened, other.opened = other.reached, one.reached
    ours = Scene("check", None, one, at_once(NO_ROUTE))
    theirs = Scene("check", None, other, at_once(NO_ROUTE))
    code, said = await check(tmp_path, ours, theirs, 600.0)
    assert code == 0, said
    for line in ("ours → real-1 at main", "theirs → real-2 at second", "anywhere → real-2"):
        assert line in said
    assert (ours.lookups, theirs.lookups) == (["/v1/models"], ["/v1/models"])
