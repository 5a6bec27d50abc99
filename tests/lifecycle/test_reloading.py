"""A process rereads its configuration; tests/changing has real ones under load."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from gateway import app
from gateway.checks.config_checks import doubts
from gateway.config.load import load
from gateway.config.reading.source import Source
from gateway.config.settings import Settings
from gateway.lifecycle import reloading
from gateway.lifecycle.live import Live
from gateway.lifecycle.reloading import Alone, Configuration, Reloader
from gateway.server.processes.peers import Peers
from tests.certificates import Pair, make_pair
from tests.config.configuring import read_in_this_process
from tests.upstream.scripted import until
from tests.waiting import PATIENCE


@pytest.fixture(autouse=True)
def _reads_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    read_in_this_process(monkeypatch)


class Scene:
    """The live application of a file."""

    def __init__(self, path: Path, text: str = "") -> None:
        self.path = path / "gateway.yaml"
        self.path.write_text(text)
        self.source = Source(self.path, {}, doubts=doubts)
        self.configuration = Configuration(self.source, self.source.begin()()[0])
        settings = self.configuration.used(self.configuration.settings)
        self.live = Live(app.build(settings, Peers()))

    def reloader(self) -> Reloader:
        return Reloader(self.configuration, self.live, app.build)


def run(folder: Path, scenario: Callable[[Scene], Awaitable[None]], text: str = "") -> None:
    async def staged() -> None:
        scene = Scene(folder, text)
        try:
            await asyncio.wait_for(scenario(scene), PATIENCE)
        finally:
            await scene.live.aclose()
            await scene.live.door.drain(0)

    asyncio.run(staged())


def test_settings_change_and_what_was_drawn_and_learned_stays(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        before = scene.live.application
        scene.path.write_text("models: {a: b}")
        result = await scene.reloader().reload()
        assert result == (True, "the configuration was reloaded; changed: models.a")
        after = scene.live.application
        assert [rule.pattern for rule in after.settings.models] == ["a"]
        assert after.settings.secret == before.settings.secret is not None
        assert after.kept is before.kept
        assert after.upstreams.reached == before.upstreams.reached
        assert after.gateway is scene.live.door.application
        assert after.admin is scene.live.admin.application
        await scene.live.retired()
        again = await scene.reloader().reload()
        assert again.text == "the configuration was reloaded; changed: nothing"

    run(tmp_path, scenario)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("modls: {}", "gateway.yaml:1: modls: unknown key 'modls'"),
        ("server: {port: 1}", "gateway.yaml:1: server.port: cannot be changed"),
        ("models: {a: {template: {path: t.jinja}}}", 'models["a"].template ('),
    ],
)
def test_what_is_wrong_changes_nothing(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "t.jinja").write_text("{% nonsense %}")

    async def scenario(scene: Scene) -> None:
        before = scene.live.application
        scene.path.write_text(text)
        done, message = await scene.reloader().reload()
        assert not done
        assert message.startswith("the configuration was not reloaded, and nothing has changed: ")
        assert reason in message
        assert scene.live.application is before

    run(tmp_path, scenario)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "gateway.yaml: is empty; write the configuration into it"),
        (" \n# models: {}\n", "gateway.yaml: is empty"),
        ("{}", "gateway.yaml: is empty"),
        ("models: {a: b}", "gateway.yaml: clients: cannot all be removed"),
        ("clients:\nmodels: {a: b}", "gateway.yaml:1: clients: cannot all be removed"),
    ],
)
def test_what_would_open_a_gateway_with_clients_changes_nothing(
    tmp_path: Path, text: str, reason: str
) -> None:
    async def scenario(scene: Scene) -> None:
        before = scene.live.application
        scene.path.write_text(text)
        done, message = await scene.reloader().reload()
        assert not done
        assert reason in message
        assert scene.live.application is before

    key = "0" * 64
    upstreams = "upstreams: {u: {base_url: 'http://example.com/v1', api_key: k}}"
    run(tmp_path, scenario, f"clients: [{{name: a, key_sha256: '{key}'}}]\n{upstreams}")


def test_a_renewed_certificate_is_a_change(tmp_path: Path) -> None:
    one, two = make_pair(tmp_path, "one"), make_pair(tmp_path, "two")

    def install(pair: Pair) -> None:
        (tmp_path / "c.pem").write_bytes(pair.certificate.read_bytes())
        (tmp_path / "k.pem").write_bytes(pair.key.read_bytes())

    async def scenario(scene: Scene) -> None:
        reloader = scene.reloader()
        install(two)
        assert (await reloader.reload()).text.endswith("changed: the certificate of server.tls")
        assert (await reloader.reload()).text.endswith("changed: nothing")
        install(one)
        scene.path.write_text("models: {a: b}")
        assert (await reloader.reload()).text.endswith("changed: server, models.a")

    install(one)
    run(tmp_path, scenario, "server: {tls: {certificate: c.pem, key: k.pem}}")


def test_a_renewed_bundle_is_a_change(tmp_path: Path) -> None:
    one, two = make_pair(tmp_path, "one"), make_pair(tmp_path, "two")
    bundle = tmp_path / "ca.pem"

    async def scenario(scene: Scene) -> None:
        reloader = scene.reloader()
        bundle.write_bytes(two.certificate.read_bytes())
        changed = (await reloader.reload()).text
        assert changed.endswith("changed: the CA bundle of upstreams.a.verify")
        assert (await reloader.reload()).text.endswith("changed: nothing")

    bundle.write_bytes(one.certificate.read_bytes())
    upstream = "{base_url: 'https://a.example/v1', api_key: k, verify: ca.pem}"
    run(tmp_path, scenario, f"upstreams: {{a: {upstream}}}")


def test_a_renewed_certificate_for_an_upstream_is_a_change(tmp_path: Path) -> None:
    one, two = make_pair(tmp_path, "one"), make_pair(tmp_path, "two")
    old = make_pair(tmp_path, "old", valid=(-9, -1))

    def install(pair: Pair) -> None:
        (tmp_path / "c.pem").write_bytes(pair.certificate.read_bytes())
        (tmp_path / "k.pem").write_bytes(pair.key.read_bytes())

    async def scenario(scene: Scene) -> None:
        reloader, before = scene.reloader(), scene.live.application.upstreams.reached
        (tmp_path / "c.pem").write_bytes(two.certificate.read_bytes())
        refused = await reloader.reload()
        assert not refused.done
        assert "upstream 'b': tls: the key does not belong to the first" in refused.text
        assert scene.live.application.upstreams.reached == before
        install(two)
        changed = (await reloader.reload()).text
        assert changed.endswith("changed: the certificate of upstreams.b.tls")
        after = scene.live.application.upstreams.reached
        assert (after["a"], after["b"]) != (before["a"], before["b"])
        assert after["a"] is before["a"]
        assert (await reloader.reload()).text.endswith("changed: nothing")
        install(old)
        (warning,) = (await reloader.reload()).text.splitlines()[1:]
        assert warning.startswith("warning: upstreams.b.tls.certificate: expired on ")

    install(one)
    tls = "{certificate: c.pem, key: k.pem}"
    upstream = "{base_url: 'https://a.example/v1', api_key: k}"
    with_tls = upstream.replace("}", f", tls: {tls}}}")
    run(tmp_path, scenario, f"upstreams: {{a: {upstream}, b: {with_tls}}}")


def test_workers_take_only_what_their_parent_has_read(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        scene.path.write_text("models: {a: b}")
        scene.source.begin()()
        digest = scene.source.files.digest
        assert (await scene.reloader().reload(digest)).done
        scene.path.write_text("models: {a: c}")
        done, message = await scene.reloader().reload(digest)
        assert not done
        assert "its files have changed again: reload once more" in message

    run(tmp_path, scenario)


def test_a_parent_checks_by_building(tmp_path: Path) -> None:
    path = tmp_path / "gateway.yaml"
    path.write_text("")
    source = Source(path, {})
    configuration = Configuration(source, source.begin()()[0])
    path.write_text("server: {watch: true}")
    digest, result = configuration.check(app.build)
    assert (digest, result.done) == (source.files.digest, True)
    assert configuration.watch.on
    (tmp_path / "t.jinja").write_text("{% nonsense %}")
    path.write_text("models: {a: {template: {path: t.jinja}}}")
    digest, result = configuration.check(app.build)
    assert (digest, result.done) == ("", False)
    assert configuration.settings.server.watch


def test_a_gateway_that_stops_reloads_no_more(tmp_path: Path) -> None:
    async def scenario(scene: Scene) -> None:
        scene.live.drain()
        assert await scene.reloader().reload() == (False, "the gateway is stopping")

    run(tmp_path, scenario)


def test_a_process_alone_logs_and_counts_each_reload(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)

    async def scenario(scene: Scene) -> None:
        alone = Alone(scene.configuration, scene.live, app.build)
        scene.path.write_text("upstreams: {u: {base_url: 'http://example.com/v1', api_key: k}}")
        assert (await alone.ask()).done
        scene.path.write_text("nonsense: 1")
        assert not (await alone.ask()).done
        alone.close()
        metrics = scene.live.application.kept.metrics
        assert metrics.reloads == {"success": 1, "failure": 1}
        assert metrics.reloaded_at is not None

    run(tmp_path, scenario)
    assert "the configuration was reloaded; changed: upstreams.openai, upstreams.u" in caplog.text
    assert "unknown key 'nonsense'" in caplog.text


@pytest.mark.parametrize("asking", [1, 30])
def test_all_who_ask_during_a_reload_share_the_next_one(tmp_path: Path, asking: int) -> None:
    async def scenario(scene: Scene) -> None:
        alone = Alone(scene.configuration, scene.live, app.build)
        first = asyncio.create_task(alone.ask())
        await until(alone._reloader._one_at_a_time.locked)
        scene.path.write_text("models: {a: b}")
        others = [asyncio.create_task(alone.ask()) for _ in range(asking)]
        left = asyncio.create_task(alone.ask())
        await asyncio.sleep(0)
        left.cancel()
        assert (await first).done
        results = await asyncio.gather(*others)
        assert {each.done for each in results} == {True}
        assert [rule.pattern for rule in scene.live.application.settings.models] == ["a"]
        alone.close()
        assert scene.live.application.kept.metrics.reloads == {"success": 2, "failure": 0}

    run(tmp_path, scenario)


@pytest.mark.parametrize("watch", [True, False])
def test_who_asks_during_a_reload_of_the_same_files_has_its_result_if_they_are_watched(
    tmp_path: Path, *, watch: bool
) -> None:
    async def scenario(scene: Scene) -> None:
        alone = Alone(scene.configuration, scene.live, app.build)
        scene.path.write_text(f"server: {{watch: {str(watch).lower()}}}\nmodels: {{a: b}}")
        first = asyncio.create_task(alone.ask())
        await until(alone._reloader._one_at_a_time.locked)
        second = await alone.ask()
        alone.close()
        assert await first == second or not watch
        assert scene.live.application.kept.metrics.reloads["success"] == 2 - watch

    run(tmp_path, scenario)


def test_files_are_watched_if_they_are_to_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reloading, "INTERVAL", 0.0)

    async def scenario(scene: Scene) -> None:
        alone = Alone(scene.configuration, scene.live, app.build)
        scene.path.write_text("server: {watch: true}\nmodels: {a: b}")
        await until(lambda: bool(scene.live.application.settings.models))
        alone.close()

    run(tmp_path, scenario, "server: {watch: true}")


def test_the_log_follows_its_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    monkeypatch.setattr(reloading, "log_to_stderr", lambda log: seen.append(log.level))
    source = Source(None, {})
    configuration = Configuration(source, source.begin()()[0])
    changed: Settings = load(None, {"GATEWAY_LOG__LEVEL": "debug"})
    configuration.adopt(changed, [])
    configuration.adopt(changed, [])
    assert seen == ["debug"]
