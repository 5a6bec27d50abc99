"""A reload under load: no request is refused or cut, and new ones have the new configuration."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest

from tests.changing.gateway import TOKEN, Gateway, configuration, running, write
from tests.changing.load import Load, Stream
from tests.changing.upstream import PATIENCE, Upstream, changing_upstream

ONE_AND_TWO = pytest.mark.parametrize("workers", [1, 2])
REQUESTS = 2_000
DONE = 'gateway_config_reloads_total{result="success"}'
FAILED = 'gateway_config_reloads_total{result="failure"}'
SINCE = "gateway_config_last_reload_success_timestamp_seconds"


@pytest.mark.slow
@ONE_AND_TWO
def test_reloads_under_load_cost_no_request_and_cut_no_stream(tmp_path: Path, workers: int) -> None:
    with changing_upstream() as upstream:
        write(tmp_path, configuration(upstream.base_url))
        with running(tmp_path, workers) as gateway:
            streams = [Stream(gateway.port) for _ in range(4)]
            with Load(gateway.port) as load:
                for number in range(2, 7):
                    load.wait_for(REQUESTS // 5)
                    key = f"sk-{number}"
                    write(tmp_path, configuration(upstream.base_url), key)
                    assert gateway.reload().json() == {
                        "reloaded": True,
                        "message": "the configuration was reloaded; changed: upstreams.up",
                    }
                    load.wait_for(20, key)
            assert load.failures == []
            assert load.requests >= REQUESTS
            assert sorted(load.served) == [f"sk-{number}" for number in range(1, 7)]
            upstream.go.set()
            assert all(stream.is_whole() for stream in streams)
            assert gateway.metric(DONE) == 5
            gateway.process.signal(signal.SIGTERM)
            assert gateway.process.ended() == 0


def by_signal(gateway: Gateway) -> None:
    gateway.process.signal(signal.SIGHUP)


def by_signal_to_a_worker(gateway: Gateway) -> None:
    workers = gateway.process.children()
    os.kill(min(workers, default=gateway.process.pid), signal.SIGHUP)


def by_request(gateway: Gateway) -> None:
    gateway.reload()


@pytest.mark.slow
@ONE_AND_TWO
@pytest.mark.parametrize("reload", [by_signal, by_signal_to_a_worker, by_request])
def test_a_configuration_that_is_wrong_changes_nothing_and_the_log_says_why(
    tmp_path: Path, workers: int, reload: Callable[[Gateway], None]
) -> None:
    with changing_upstream() as upstream:
        good = configuration(upstream.base_url)
        write(tmp_path, good)
        with running(tmp_path, workers) as gateway, Load(gateway.port, renewing=1) as load:
            assert gateway.metric(FAILED) == gateway.metric(DONE) == gateway.metric(SINCE) == 0
            load.wait_for(10)
            write(tmp_path, good.replace("kind: vllm", "knd: vllm"), "sk-2")
            reload(gateway)
            line = gateway.process.line_with("gateway.yaml:3: upstreams.up.knd: unknown key 'knd'")
            assert "did you mean 'kind'?" in line
            load.wait_for(10)
            assert set(load.served) == {"sk-1"}
            assert gateway.metric(FAILED) == 1
            (tmp_path / "gateway.yaml").write_text(good)
            reload(gateway)
            gateway.process.line_with("the configuration was reloaded; changed: upstreams.up")
            load.wait_for(1, "sk-2")
            assert gateway.metric(DONE) == 1
            assert gateway.metric(SINCE) > 1e9
        assert load.failures == []


@pytest.mark.slow
@ONE_AND_TWO
def test_what_needs_a_restart_is_refused_by_its_key(tmp_path: Path, workers: int) -> None:
    with changing_upstream() as upstream:
        write(tmp_path, configuration(upstream.base_url))
        with running(tmp_path, workers) as gateway:
            write(tmp_path, configuration(upstream.base_url, "port: 1", f"secret: {'s' * 32}\n"))
            reply = gateway.reload()
            assert reply.status_code == 422
            message = reply.json()["message"]
            assert (
                "gateway.yaml:1: server.port: cannot be changed while the gateway runs" in message
            )
            assert "gateway.yaml:4: secret: cannot be changed" in message
            assert "ssss" not in message


@pytest.mark.slow
def test_only_operators_reload(tmp_path: Path) -> None:
    with changing_upstream() as upstream:
        write(tmp_path, configuration(upstream.base_url))
        with running(tmp_path, 1) as gateway:
            assert gateway.reload("another").status_code == 401
            assert gateway.reload(origin="https://elsewhere.example").status_code == 403
            assert gateway.reload(host="elsewhere.example").status_code == 421
            assert gateway.reload(TOKEN).status_code == 200


@pytest.mark.slow
@ONE_AND_TWO
def test_changed_files_are_noticed(tmp_path: Path, workers: int) -> None:
    """A ConfigMap's files are links to a folder behind a link, which is swapped."""
    with changing_upstream() as upstream:
        watching = configuration(upstream.base_url, "port: 0, watch: true")
        for version, key in (("1", "sk-1"), ("2", "sk-2")):
            (tmp_path / version).mkdir()
            write(tmp_path / version, watching, key)
        (tmp_path / "..data").symlink_to("1")
        for name in ("gateway.yaml", "key"):
            (tmp_path / name).symlink_to(f"..data/{name}")
        with running(tmp_path, workers) as gateway, Load(gateway.port, renewing=1) as load:
            load.wait_for(10)
            (tmp_path / "new").symlink_to("2")
            (tmp_path / "new").replace(tmp_path / "..data")
            gateway.process.line_with("changed: upstreams.up")
            load.wait_for(1, "sk-2")
            (tmp_path / "2" / "key").write_text("two words")
            gateway.process.line_with("api_key_file: must be printable ASCII")
            (tmp_path / "2" / "key").write_text("sk-3")
            gateway.process.line_with("changed: upstreams.up")
            load.wait_for(1, "sk-3")
        assert load.failures == []


@pytest.mark.slow
def test_connections_and_lists_of_an_upstream_that_is_the_same_are_kept(tmp_path: Path) -> None:
    with changing_upstream() as upstream, changing_upstream() as other:
        text = configuration(upstream.base_url)
        write(tmp_path, text)
        with running(tmp_path, 1) as gateway:
            before = counted(gateway, upstream)
            rules = "models: {other: {upstream: up, model: m}}\n"
            write(tmp_path, text + rules)
            assert gateway.reload().status_code == 200
            assert counted(gateway, upstream) == before
            write(tmp_path, configuration(other.base_url))
            assert gateway.reload().status_code == 200
            counted(gateway, other)
            assert set(other.keys) == {"sk-1"}


def counted(gateway: Gateway, upstream: Upstream) -> tuple[int, int]:
    """Send a request; return how many connections and look-ups the upstream has seen."""
    url = f"http://127.0.0.1:{gateway.port}/v1/chat/completions"
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
    reply = httpx2.post(url, json=body, trust_env=False, timeout=PATIENCE)
    assert reply.status_code == 200
    return upstream.connections, upstream.lists


@pytest.mark.slow
def test_a_stream_outlives_its_upstream(tmp_path: Path) -> None:
    with changing_upstream() as old, changing_upstream() as new:
        write(tmp_path, configuration(old.base_url))
        with running(tmp_path, 1) as gateway:
            stream = Stream(gateway.port)
            for base_url in (new.base_url, old.base_url, new.base_url):
                write(tmp_path, configuration(base_url))
                assert gateway.reload().status_code == 200
            counted(gateway, new)
            old.go.set()
            assert stream.is_whole()
