"""Every fault that an upstream can have, in every flow and delivery, over sockets.

Of each there is one clear outcome, nothing stays behind, and the next request works. A batch is run
side by side; where something stays behind, its exchanges are run again one by one to name it.
"""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack

import pytest

from tests.documents import ROOT
from tests.faults.expectations import DELIVERIES, FLOWS
from tests.faults.script import Asked
from tests.faults.stage import Stage, staged
from tests.faults.table import FAULTS, GROUPS, cases
from tests.rows import module_fixture

BATCH = 20
"""Faults side by side: few enough that looking for what one of them leaves behind is quick."""
BATCHES = {
    f"{name}-{number // BATCH + 1}": group[number : number + BATCH]
    for name, group in GROUPS.items()
    for number in range(0, len(group), BATCH)
}


@module_fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@module_fixture
def stage(runner: asyncio.Runner) -> Iterator[Stage]:
    stack = AsyncExitStack()
    yield runner.run(stack.enter_async_context(staged(cases(*FAULTS))))
    runner.run(stack.aclose())


@pytest.mark.alone
@pytest.mark.timeout(300)
@pytest.mark.parametrize("batch", BATCHES)
def test_every_fault_has_one_clear_outcome_and_leaves_nothing_behind(
    batch: str, runner: asyncio.Runner, stage: Stage
) -> None:
    problems = runner.run(stage.run(cases(*BATCHES[batch])))
    assert not problems, "\n" + "\n".join(problems)


def test_no_fault_is_there_twice_and_there_are_as_many_as_documented() -> None:
    names = [fault.name for fault in FAULTS]
    assert len(names) == len(set(names))
    asked = [Asked(flow.home, delivery == "streamed") for flow in FLOWS for delivery in DELIVERIES]
    played = {
        (fault.upstream, fault.warm, *(fault.script(each).steps for each in asked))
        for fault in FAULTS
    }
    assert len(played) == len(FAULTS), "the same fault twice"
    text = (ROOT / "docs" / "testing.md").read_text("utf-8")
    assert f"some {round(len(FAULTS), -2)} things that upstreams do wrong" in text
    assert len(cases(*FAULTS)) == len(FAULTS) * len(FLOWS) * len(DELIVERIES)
