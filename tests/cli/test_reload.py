"""`gateway reload`, against a running gateway."""

from pathlib import Path

import pytest

from tests.addresses import held_port
from tests.certificates import make_pair
from tests.changing.gateway import Gateway, configuration, running, write
from tests.processes import gateway_process


def asked(gateway: Gateway, *more: str) -> tuple[int, str]:
    """Return the exit code and the output."""
    command = ("reload", "--config", "gateway.yaml", *more)
    with gateway_process(*command, folder=gateway.folder) as process:
        code = process.ended()
        return code, "".join(f"{line}\n" for line in process.lines)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_it_prints_what_happened(tmp_path: Path, workers: int) -> None:
    good = configuration("http://127.0.0.1:9/v1")
    write(tmp_path, good)
    with running(tmp_path, workers) as gateway:
        at = ("--url", gateway.admin)
        write(tmp_path, good, "sk-2")
        assert asked(gateway, *at) == (
            0,
            "the configuration was reloaded; changed: upstreams.up\n",
        )
        write(tmp_path, good + "nonsense: 1\n")
        code, output = asked(gateway, *at)
        assert code == 1
        assert "nothing has changed" in output
        assert "gateway.yaml:4: nonsense: unknown key 'nonsense'" in output
        assert asked(gateway) == (
            1,
            "Error: admin.port is 0, so the port is not known: name it with --url\n",
        )


@pytest.mark.slow
def test_it_asks_over_tls(tmp_path: Path) -> None:
    make_pair(tmp_path)
    port = held_port()
    tls = "port: 0, tls: {certificate: gateway.pem, key: gateway-key.pem}"
    text = configuration("http://127.0.0.1:9/v1", tls)
    write(tmp_path, text.replace("admin: {port: 0", f"admin: {{tls: true, port: {port}"))
    with running(tmp_path, 1) as gateway:
        assert asked(gateway) == (0, "the configuration was reloaded; changed: nothing\n")
        code, output = asked(gateway, "--url", gateway.admin)
        assert code == 1
        assert "its TLS certificate is not accepted (self-signed" in output
