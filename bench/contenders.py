"""Who is measured, how each is started, and how each is asked for the same thing."""

import json
import os
import string
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from bench.processes import CONTENDER_CPU, LOAD_CPU, Process, free_port
from bench.tools import HERE, Tools

KEY = "sk-bench-0123456789abcdef0123456789abcdef"

RESPONSES_MODEL, MESSAGES_MODEL = "bench-responses", "bench-messages"
MODELS = (
    *("bench-chat", "bench-paced-10", "bench-paced-1000", "bench-slow-200"),
    *(RESPONSES_MODEL, MESSAGES_MODEL),
)
"""What they do is in source.c. The last two live at the endpoints of their names."""

GATEWAY = "gateway"
GENERIC = "gateway, generic path"
"""The same with `performance.fast_paths: false`."""
NGINX = "nginx"
DIRECT = "direct"
LITELLM = "LiteLLM"
PORTKEY = "Portkey"

_MOST_STREAMS = 4096
_STARTS_WITHIN = {LITELLM: 120.0}


@dataclass(frozen=True, slots=True)
class Scale:
    """How large a server is. `streams` is how many it must be able to hold open."""

    workers: int = 1
    streams: int = _MOST_STREAMS
    cpu: int | None = CONTENDER_CPU
    """The processor that it is confined to; None: to none."""


ONE_WORKER = Scale()


@dataclass(slots=True)
class Contender:
    """A server that takes requests at 127.0.0.1:port. `process` None: it costs nothing here."""

    name: str
    port: int
    process: Process | None
    headers: Callable[[str], Mapping[str, str]] = lambda _: {}
    """Its own header fields, by the model that is asked for."""
    memory_after_start: int = 0

    def awake(self) -> AbstractContextManager[None]:
        """Return a block in which it runs; outside of such blocks nobody but the source does."""
        return self.process.awake() if self.process is not None else nullcontext()


@contextmanager
def running(
    tools: Tools, folder: Path, *, generic: bool = False, peers: bool = False
) -> Iterator[list[Contender]]:
    """Start the source and contenders; the one that is asked directly comes first.

    The gateway's generic path, and its peers, are among them if they are wanted.

    What does not start is added to `tools.missing`.
    """
    with ExitStack() as stack:
        source = _start(stack, folder, DIRECT, [str(tools.source)], LOAD_CPU)
        if source is None:
            raise SystemExit(f"bench: the source does not start; see {folder}/{DIRECT}.log")
        contenders = [Contender(DIRECT, source.port, None)]
        starters = [_nginx, _gateway, *([_generic] if generic else [])]
        starters += [_litellm, _portkey] if peers else []
        for starter in starters:
            name, contender = starter(stack, tools, folder, source.port)
            if contender is not None:
                contenders.append(contender)
            elif not any(line.startswith(name) for line in tools.missing):
                tools.missing.append(f"{name}: does not start; see {folder}/{name}.log")
        yield contenders


def _start(
    stack: ExitStack,
    folder: Path,
    name: str,
    command: list[str],
    cpu: int | None,
    environment: Mapping[str, str] | None = None,
    port: int | None = None,
) -> Contender | None:
    """Start a server that gets its port as last argument, or has it already."""
    if port is None:
        port = free_port()
        command = [*command, str(port)]
    process = Process(command, cpu, folder / f"{name}.log", environment)
    stack.callback(process.stop)
    if not process.wait_for_port(port, _STARTS_WITHIN.get(name, 20.0)):
        return None
    return Contender(name, port, process, memory_after_start=process.memory_bytes())


def _nginx(
    stack: ExitStack, tools: Tools, folder: Path, source: int
) -> tuple[str, Contender | None]:
    return NGINX, start_nginx(stack, tools, folder, source)


def start_nginx(
    stack: ExitStack, tools: Tools, folder: Path, source: int, scale: Scale = ONE_WORKER
) -> Contender | None:
    """Start nginx before the source; None where there is none, or it does not start."""
    if tools.nginx is None:
        return None
    port = free_port()
    template = string.Template((HERE / "nginx.conf.template").read_text())
    # nginx has variables of the same form; those that are not ours stay.
    text = template.safe_substitute(
        folder=folder,
        port=port,
        source_port=source,
        workers=scale.workers,
        # Of two for each stream; it drops idle ones when fewer than a sixteenth are free.
        connections=scale.streams * 9 // 4,
    )
    path = folder / "nginx.conf"
    path.write_text(text)
    command = [tools.nginx, "-p", str(folder), "-c", str(path)]
    return _start(stack, folder, NGINX, command, scale.cpu, port=port)


def _gateway(
    stack: ExitStack, _tools: Tools, folder: Path, source: int
) -> tuple[str, Contender | None]:
    return GATEWAY, start_gateway(stack, folder, GATEWAY, write_gateway_config(folder, source))


def _generic(
    stack: ExitStack, _tools: Tools, folder: Path, source: int
) -> tuple[str, Contender | None]:
    path = write_gateway_config(folder, source, fast_paths=False)
    return GENERIC, start_gateway(stack, folder, GENERIC, path)


def start_gateway(
    stack: ExitStack, folder: Path, name: str, config: Path, scale: Scale = ONE_WORKER
) -> Contender | None:
    """Start a gateway; None if it does not start."""
    command = [sys.executable, "-m", "gateway", "serve", "--config", str(config)]
    command += ["--workers", str(scale.workers), "--port"]
    return _start(stack, folder, name, command, scale.cpu)


def write_gateway_config(
    folder: Path,
    source: int,
    *,
    narrow: bool = False,
    fast_paths: bool = True,
    streams: int = _MOST_STREAMS,
) -> Path:
    """Write the configuration of the gateway before the source; return its path.

    With `narrow`, models called `narrow-*` have an upstream of their own, where two requests at a
    time have a place and the others wait.
    """
    upstream = {
        "base_url": f"http://127.0.0.1:{source}/v1",
        "kind": "other",
        "max_connections": streams,
    }
    upstreams: dict[str, object] = {"source": upstream}
    models: dict[str, object] = {
        f"{RESPONSES_MODEL}*": {"endpoint": "responses"},
        f"{MESSAGES_MODEL}*": {"endpoint": "messages"},
        "bench-*": {"endpoint": "chat"},
    }
    if narrow:
        upstreams["narrow"] = {**upstream, "max_connections": 2}
        models["narrow-*"] = {"endpoint": "chat", "upstream": "narrow"}
        models["retried-*"] = {"upstream": "source"}
    config = {
        "upstreams": upstreams,
        "models": models,
        "admin": {"enabled": False},
        "log": {"level": "error"},
        "performance": {"fast_paths": fast_paths},
    }
    path = folder / ("gateway.yaml" if fast_paths else "generic.yaml")
    path.write_text(json.dumps(config))  # JSON is YAML
    return path


def _litellm(
    stack: ExitStack, tools: Tools, folder: Path, source: int
) -> tuple[str, Contender | None]:
    if tools.litellm is None:
        return LITELLM, None
    config = {
        "model_list": [
            {
                "model_name": model,
                "litellm_params": {**_litellm_model(model, source), "api_key": KEY},
            }
            for model in MODELS
        ],
        "general_settings": {"master_key": KEY},
        # Dropped: else it refuses what agents send and the model's endpoint has not.
        "litellm_settings": {"telemetry": False, "num_retries": 0, "drop_params": True},
    }
    path = folder / "litellm.yaml"
    path.write_text(json.dumps(config))
    environment = {
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # else it fetches a price list at start
        "LITELLM_LOG": "ERROR",
        "LITELLM_MASTER_KEY": KEY,
        "PATH": f"{tools.litellm.parent}{os.pathsep}{os.environ.get('PATH', '')}",
    }
    command = [str(tools.litellm), "--config", str(path), "--host", "127.0.0.1", "--port"]
    contender = _start(stack, folder, LITELLM, command, CONTENDER_CPU, environment)
    return LITELLM, contender


def _litellm_model(model: str, source: int) -> dict[str, str]:
    base = f"http://127.0.0.1:{source}"
    # With `openai/`, completions are passed on as completions; with this, they become chat.
    name, url = f"custom_openai/{model}", f"{base}/v1"
    if model == MESSAGES_MODEL:
        name, url = f"anthropic/{model}", base
    elif model == RESPONSES_MODEL:
        name = f"openai/responses/{model}"
    return {"model": name, "api_base": url, "api_key": KEY}


def _portkey(
    stack: ExitStack, tools: Tools, folder: Path, source: int
) -> tuple[str, Contender | None]:
    if tools.portkey is None:
        return PORTKEY, None
    port = free_port()
    command = ["node", str(tools.portkey), "--headless", f"--port={port}"]
    contender = _start(stack, folder, PORTKEY, command, CONTENDER_CPU, port=port)
    if contender is not None:
        host = f"http://127.0.0.1:{source}/v1"
        contender.headers = lambda model: {
            "x-portkey-provider": "anthropic" if model == MESSAGES_MODEL else "openai",
            "x-portkey-custom-host": host,
        }
    return PORTKEY, contender
