"""What systemd hears."""

import socket
from pathlib import Path

from gateway.server.processes.notify import notify_ready


def test_systemd_hears_which_process_serves(tmp_path: Path) -> None:
    for address, name in ((str(tmp_path / "s"), str(tmp_path / "s")), ("@gw-test", "\0gw-test")):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
            end.bind(name)
            notify_ready(7, {"NOTIFY_SOCKET": address})
            assert end.recv(100) == b"MAINPID=7\nREADY=1"


def test_without_systemd_nothing_is_said(tmp_path: Path) -> None:
    notify_ready(7, {})
    notify_ready(7, {"NOTIFY_SOCKET": str(tmp_path / "nobody")})
