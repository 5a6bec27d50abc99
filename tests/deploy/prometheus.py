"""A real Prometheus that scrapes a gateway."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import yaml

from tests.deploy.programs import debian
from tests.deploy.queries import ALERTS, JOB
from tests.processes import PATIENCE
from tests.waiting import wait_until


@dataclass(frozen=True)
class Prometheus:
    """A running one."""

    url: str

    def ask(self, expression: str) -> list[Any]:
        """Return the series of an instant query; fails when Prometheus does not take it."""
        reply = httpx2.get(f"{self.url}/api/v1/query", params={"query": expression})
        answer = reply.json()
        assert answer["status"] == "success", f"{expression}: {answer.get('error')}"
        assert not answer.get("warnings"), f"{expression}: {answer['warnings']}"
        found: list[Any] = answer["data"]["result"]
        return found

    def has(self, expression: str) -> bool:
        return bool(self.ask(expression))

    def rules(self) -> list[Any]:
        """Return the rules, with their health once they were evaluated."""
        groups = httpx2.get(f"{self.url}/api/v1/rules").json()["data"]["groups"]
        return [rule for group in groups for rule in group["rules"]]


@contextmanager
def prometheus(target: str, token: str, port: int, folder: Path) -> Iterator[Prometheus]:
    """Run one that scrapes `target` (host and port), with the alert rules, until the block ends."""
    scrape = {
        "job_name": JOB,
        "authorization": {"credentials": token},
        "static_configs": [{"targets": [target]}],
    }
    config = folder / "prometheus.yml"
    config.write_text(
        yaml.safe_dump(
            {
                "global": {"scrape_interval": "1s", "scrape_timeout": "1s",
                           "evaluation_interval": "200ms"},
                "rule_files": [str(ALERTS)],
                "scrape_configs": [scrape],
            }
        )
    )  # fmt: skip
    command = (
        debian("prometheus"),
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.format=json",
    )
    with (
        (folder / "prometheus.log").open("w") as log,
        subprocess.Popen(command, cwd=folder, stdout=log, stderr=log) as process,
    ):
        running = Prometheus(f"http://127.0.0.1:{port}")
        try:
            wait_until(lambda: process.poll() is None and _is_ready(running))
            yield running
        finally:
            process.terminate()
            process.wait(PATIENCE)


def _is_ready(running: Prometheus) -> bool:
    try:
        return httpx2.get(f"{running.url}/-/ready").status_code == httpx2.codes.OK
    except (httpx2.TransportError, json.JSONDecodeError):
        return False
