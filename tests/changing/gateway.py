"""A gateway process whose configuration is a file that tests rewrite."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx2

from tests.processes import GatewayProcess, gateway_process

TOKEN = "an-admin-token-of-the-tests"


class Gateway:
    """A running gateway and its files: `gateway.yaml`, and `key` with the upstream's key."""

    def __init__(self, folder: Path, process: GatewayProcess) -> None:
        self.folder = folder
        self.process = process
        self.port = urlsplit(process.line_with("gateway: ").removeprefix("gateway: ")).port or 0
        self.admin = process.line_with("admin: ").removeprefix("admin: ")

    def reload(self, token: str = TOKEN, **headers: str) -> httpx2.Response:
        return httpx2.post(
            f"{self.admin}/reload",
            headers={"x-admin-token": token, **headers},
            trust_env=False,
            timeout=60,
        )

    def metric(self, name: str) -> float:
        """Return the value of a metric, with its labels as they are shown; 0 if it is missing."""
        text = httpx2.get(
            f"{self.admin}/metrics", headers={"x-admin-token": TOKEN}, trust_env=False
        ).text
        found = [line for line in text.splitlines() if line.startswith(name + " ")]
        return float(found[0].split()[-1]) if found else 0.0


def write(folder: Path, text: str, key: str = "sk-1") -> None:
    """Write both files."""
    (folder / "key").write_text(f"{key}\n")
    (folder / "gateway.yaml").write_text(text)


def configuration(base_url: str, server: str = "port: 0", more: str = "") -> str:
    """Return the text of a configuration with one upstream that has the key of the file."""
    return (
        f"server: {{{server}}}\n"
        f"admin: {{port: 0, token: {TOKEN}}}\n"
        f"upstreams: {{up: {{base_url: '{base_url}', kind: vllm, api_key_file: key}}}}\n"
        f"{more}"
    )


@contextmanager
def running(folder: Path, workers: int) -> Iterator[Gateway]:
    """Run the gateway of the file."""
    arguments = ("serve", "--config", "gateway.yaml", "--workers", str(workers))
    with gateway_process(*arguments, folder=folder) as process:
        yield Gateway(folder, process)
