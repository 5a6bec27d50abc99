"""The fast paths are loaded beside the event loop, when a request is first translated."""

import subprocess
import sys
import threading

import pytest
from msgspec.json import encode

from gateway.fast import pairs, paths
from gateway.fast.deltas.text_deltas import DeltaFastPath
from gateway.fast.paths import GENERIC_ONLY, Loaded, fast_paths, loaded, with_text_deltas
from gateway.lazy import LazyInBackground
from gateway.shapes import Shape
from gateway.translate.plan import plan
from tests.fast.both_paths import CONTEXT
from tests.fast.both_streams import BODIES
from tests.lock_of_loading import is_held
from tests.waiting import wait_until

CHAT, RESPONSES = Shape.CHAT, Shape.RESPONSES


@pytest.fixture(name="fresh")
def _fresh(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Have nothing loaded; return what lets it be loaded."""
    may_load = threading.Event()

    def load() -> Loaded:
        assert may_load.wait(60)
        return paths._load()

    monkeypatch.setattr(paths, "_LATE", LazyInBackground(load))
    return may_load


def test_until_they_are_there_the_generic_path_translates(fresh: threading.Event) -> None:
    request, folding = encode(BODIES[CHAT]), plan(CHAT, RESPONSES, BODIES[CHAT], CONTEXT).stream()
    awaited = fast_paths(CHAT, RESPONSES, CONTEXT)
    assert awaited.translation(request, CONTEXT, None, None) is None
    assert awaited.of_agents(request, CONTEXT, None) is None
    assert (awaited.text_deltas, awaited.by_session) == (False, False)
    assert with_text_deltas(CHAT, RESPONSES, 1, folding) is None
    assert loaded() is None
    fresh.set()
    wait_until(lambda: loaded() is not None)
    translation = fast_paths(CHAT, RESPONSES, CONTEXT).translation(request, CONTEXT)
    assert translation is not None
    assert translation.sent
    assert isinstance(with_text_deltas(CHAT, RESPONSES, 1, folding), DeltaFastPath)
    assert awaited.translation(request, CONTEXT) is None


def test_agents_have_them_loaded_too(fresh: threading.Event) -> None:
    fresh.set()
    assert fast_paths(Shape.MESSAGES, CHAT, CONTEXT).of_agents(b"{}", CONTEXT) is None
    wait_until(lambda: loaded() is not None)


def test_each_module_is_loaded_while_no_other_part_is(monkeypatch: pytest.MonkeyPatch) -> None:
    held: dict[str, bool] = {}
    monkeypatch.setattr(paths, "import_module", lambda name: held.update({name: is_held()}))
    assert paths._load() is pairs.LOADED
    assert "gateway.fast.agents.from_chat.chat_via_messages" in held
    assert all(held.values())


@pytest.mark.usefixtures("fresh")
def test_between_equal_shapes_nothing_is_loaded() -> None:
    paths = fast_paths(CHAT, CHAT, CONTEXT)
    assert paths is GENERIC_ONLY
    assert paths.translation(encode(BODIES[CHAT]), CONTEXT) is None
    assert paths.of_agents(encode(BODIES[CHAT]), CONTEXT) is None
    assert (paths.text_deltas, paths.by_session) == (False, False)
    assert "lazy" not in {thread.name for thread in threading.enumerate()}


@pytest.mark.parametrize("client", Shape)
@pytest.mark.parametrize("home", Shape)
def test_translated_streams_may_take_the_fast_path_of_text(client: Shape, home: Shape) -> None:
    assert fast_paths(client, home, CONTEXT).text_deltas is (client is not home)


def test_they_are_not_loaded_with_the_rest() -> None:
    code = (
        "import sys, gateway.app; from gateway.fast.paths import load; "
        "names = lambda: {name for name in sys.modules if name.startswith('gateway.fast.')}; "
        "before = names(); load(); print(*before); print(len(names()))"
    )
    ran = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    before, after = ran.stdout.splitlines()
    assert before == "gateway.fast.paths"
    assert int(after) > 50
