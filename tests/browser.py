"""A headless Chromium, driven by its DevTools protocol through a pipe.

The protocol: https://chromedevtools.github.io/devtools-protocol/. Over a pipe, its messages are
JSON that ends with a zero byte.
"""

import base64
import json
import os
import select
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

PATIENCE = 60.0
"""Seconds until something that should have happened is given up: a limit, not an expectation."""

_OPTIONS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *(
        "--remote-debugging-pipe",
        "--no-proxy-server",
        "--disable-dev-shm-usage",
        "--hide-scrollbars",
    ),
)
_KEYS = {"Enter": ("Enter", 13, "\r"), "Tab": ("Tab", 9, ""), " ": ("Space", 32, " ")}


class Browser:
    """One page of a browser; `complaints` are what its console has of errors."""

    def __init__(self, commands: int, messages: int) -> None:
        self._commands = commands
        self._messages = messages
        self._unread = b""
        self._number = 0
        self._session = ""
        self.complaints: list[str] = []
        self.requested: list[str] = []
        """The addresses that the page has asked for."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> Any:
        """Call a method of the protocol; return its result."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while True:
            reply = self._message()
            if reply.get("id") == self._number:
                assert "error" not in reply, reply["error"]
                return reply["result"]

    def open(self, url: str) -> None:
        """Load a page."""
        self.call("Page.navigate", url=url)
        self.until("document.readyState === 'complete'")

    def value(self, expression: str) -> Any:
        """Return the value of an expression; a promise is awaited."""
        result = self.call(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def until(self, expression: str) -> None:
        """Wait until an expression is true."""
        end = time.monotonic() + PATIENCE
        while not self.value(expression):
            assert time.monotonic() < end, f"{expression} is not true; {self.complaints}"
            time.sleep(0.02)

    def complains(self, text: str) -> bool:
        """Wait until the console has an error with this text: it may come behind what it is of."""
        end = time.monotonic() + PATIENCE
        while not any(text in each for each in self.complaints):
            assert time.monotonic() < end, f"no {text!r} in {self.complaints}"
            self.value("null")  # takes what has come
        return True

    def text(self, selector: str) -> str:
        """Return what an element shows."""
        return str(self.value(f"document.querySelector({json.dumps(selector)})?.innerText ?? ''"))

    def press(self, key: str) -> None:
        """Press a key."""
        code, number, text = _KEYS[key]
        for kind in ("keyDown", "keyUp"):
            self.call(
                "Input.dispatchKeyEvent",
                type=kind,
                key=key,
                code=code,
                windowsVirtualKeyCode=number,
                text=text if kind == "keyDown" else "",
            )

    def write(self, text: str) -> None:
        """Write into the element that has the focus."""
        self.call("Input.insertText", text=text)

    def show_as(self, width: int, height: int, *, dark: bool = False, scale: float = 1.0) -> None:
        """Set the window's size in pixels, and the colours that its user prefers."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=scale,
            mobile=width < 500,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def screenshot(self) -> bytes:
        """Return what the window shows, as PNG."""
        return base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])

    def _message(self) -> Any:
        end = time.monotonic() + PATIENCE
        while b"\0" not in self._unread:
            ready, _, _ = select.select([self._messages], [], [], max(0.0, end - time.monotonic()))
            assert ready, "the browser does not answer"
            self._unread += os.read(self._messages, 1024 * 1024)
        text, _, self._unread = self._unread.partition(b"\0")
        message = json.loads(text)
        self._note(message)
        return message

    def _note(self, message: Any) -> None:
        params = message.get("params", {})
        match message.get("method"):
            case "Log.entryAdded" if params["entry"]["level"] == "error":
                self.complaints.append(f"{params['entry']['text']} {params['entry'].get('url')}")
            case "Runtime.exceptionThrown":
                self.complaints.append(str(params["exceptionDetails"]))
            case "Network.requestWillBeSent":
                self.requested.append(params["request"]["url"])


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """Run Chromium with an empty profile in `folder` until the block ends; skip without one."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("chromium is not installed: make system-packages")
    theirs_to_read, commands = os.pipe()
    messages, theirs_to_write = os.pipe()
    with (folder / "chromium.log").open("wb") as log:
        process = os.posix_spawn(
            program,
            [program, *_OPTIONS, f"--user-data-dir={folder / 'profile'}"],
            {**os.environ, "HOME": str(folder)},
            file_actions=[
                (os.POSIX_SPAWN_DUP2, theirs_to_read, 3),
                (os.POSIX_SPAWN_DUP2, theirs_to_write, 4),
                (os.POSIX_SPAWN_DUP2, log.fileno(), 1),
                (os.POSIX_SPAWN_DUP2, log.fileno(), 2),
            ],
            setsid=True,
        )
    os.close(theirs_to_read)
    os.close(theirs_to_write)
    try:
        yield Browser(commands, messages)
    finally:
        os.close(commands)
        os.close(messages)
        os.killpg(process, signal.SIGKILL)
        os.waitpid(process, 0)
