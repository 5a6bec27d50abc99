"""What is measured: one kind of traffic each, and whom it can be asked of."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from bench.contenders import DIRECT, GATEWAY, GENERIC, KEY, LITELLM, NGINX, PORTKEY
from gateway.shapes import Shape
from gateway.translate.plan import can_translate

EVERYBODY = (DIRECT, NGINX, GATEWAY, LITELLM, PORTKEY)
TRANSLATORS = (NGINX, GATEWAY, GENERIC, LITELLM)

_SDK_HEADERS = {
    "Accept": "application/json",
    "User-Agent": "OpenAI/Python 2.8.1",
    "X-Stainless-Lang": "python",
    "X-Stainless-Package-Version": "2.8.1",
    "X-Stainless-OS": "Linux",
    "X-Stainless-Arch": "x64",
    "X-Stainless-Runtime": "CPython",
    "X-Stainless-Runtime-Version": "3.11.7",
    "X-Stainless-Async": "async:asyncio",
    "X-Stainless-Retry-Count": "0",
    "X-Stainless-Read-Timeout": "600",
}

_MESSAGES_HEADERS = {"Anthropic-Version": "2023-06-01"}


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of traffic. `name` is its key in the results.

    `baseline` names the case that nginx is given in this one's place: it translates nothing, so
    translations are compared with its pass-through of the same traffic, measured beside them.
    """

    name: str
    title: str
    connections: int
    client: Shape = Shape.CHAT
    model: str = "bench-chat"
    streamed: bool = False
    request_bytes: int = 1024
    sdk_headers: bool = False
    fresh_heads: bool = False
    """No two requests have the same head: nothing about it can be known from the last one."""
    pace_us: int = 0
    """From one request of a connection to the next, by bench/load.c; 0: each follows a reply."""
    contenders: tuple[str, ...] = EVERYBODY
    baseline: str = ""
    quick: bool = False

    def body(self) -> bytes:
        """Return the request body, of `request_bytes`."""
        text = "The quick brown fox jumps over the lazy dog. "
        request: dict[str, object] = {"model": self.model, "temperature": 0.5, "max_tokens": 300}
        if self.streamed:
            request["stream"] = True
        padding = (text * (self.request_bytes // len(text) + 1))[: self.request_bytes - 150]
        if self.client is Shape.COMPLETIONS:
            request["prompt"] = padding
        elif self.client is Shape.MESSAGES:
            request["system"] = "Answer briefly."
            request["messages"] = [{"role": "user", "content": padding}]
        else:
            request["messages"] = [
                {"role": "system", "content": "Answer briefly."},
                {"role": "user", "content": padding},
            ]
        return json.dumps(request, separators=(",", ":")).encode()

    def headers(self, own: Mapping[str, str]) -> dict[str, str]:
        """Return the request headers, with the contender's own."""
        common = {"Content-Type": "application/json", "Authorization": f"Bearer {KEY}"}
        if self.client is Shape.MESSAGES:
            common = {"Content-Type": "application/json", "X-Api-Key": KEY, **_MESSAGES_HEADERS}
        return {**common, **(_SDK_HEADERS if self.sdk_headers else {}), **own}

    def request(self, port: int, own: Mapping[str, str]) -> bytes:
        """Return the whole HTTP request."""
        body = self.body()
        fields = {"Host": f"127.0.0.1:{port}", **self.headers(own), "Content-Length": len(body)}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        return f"POST {self.client.endpoint} HTTP/1.1\r\n{head}\r\n".encode() + body


def cases(*, quick: bool) -> list[Case]:
    """Return the cases to measure, each after its baseline."""
    chosen = [case for case in (*_PASSED_ON, *_translated()) if case.quick or not quick]
    return sorted(chosen, key=lambda case: (case.streamed, bool(case.baseline)))


_PASSED_ON = (
    Case("request_c1", "request, 1 connection", 1, quick=True),
    Case("request_c32", "request, 32 connections", 32, quick=True),
    Case("request_c256", "request, 256 connections", 256),
    Case("request_32k", "request of 32 KB, 32 connections", 32, request_bytes=32 * 1024),
    Case("request_sdk", "request with the OpenAI SDK's headers, 32 c.", 32, sdk_headers=True),
    Case("request_fresh", "request, its head new each time, 32 c.", 32, fresh_heads=True),
    Case("burst", "event, 200 in a burst, 32 streams", 32, streamed=True, quick=True),
    Case("paced_32", "event, one per 10 ms, 32 streams", 32, model="bench-paced-10", streamed=True),
    Case(
        "paced_256",
        "event, one per 10 ms, 256 streams",
        256,
        model="bench-paced-10",
        streamed=True,
        quick=True,
    ),
)

MANY_STREAMS = Case(
    "many_streams",
    "1,000 streams, one event a second each",
    1000,
    model="bench-paced-1000",
    streamed=True,
)


def _translated() -> list[Case]:
    found = []
    if can_translate(Shape.COMPLETIONS, Shape.CHAT):
        found += _pair("completions_chat", "completions→chat", Shape.COMPLETIONS, "bench-chat")
        found.append(_paced("completions_chat", "completions→chat", Shape.COMPLETIONS))
    if can_translate(Shape.CHAT, Shape.RESPONSES):
        found += _pair("chat_responses", "chat→responses", Shape.CHAT, "bench-responses")
    if can_translate(Shape.MESSAGES, Shape.CHAT):
        found += _pair("messages_chat", "messages→chat", Shape.MESSAGES, "bench-chat")
        found.append(_paced("messages_chat", "messages→chat", Shape.MESSAGES))
    if can_translate(Shape.MESSAGES, Shape.RESPONSES):
        title = "messages→responses"
        found += _pair("messages_responses", title, Shape.MESSAGES, "bench-responses", quick=False)
    return found


def _paced(name: str, title: str, client: Shape) -> Case:
    return Case(
        f"{name}_paced_256",
        f"{title}, event, per 10 ms, 256 streams",
        256,
        client=client,
        model="bench-paced-10",
        streamed=True,
        contenders=TRANSLATORS,
        baseline="paced_256",
    )


def _pair(name: str, title: str, client: Shape, model: str, *, quick: bool = True) -> list[Case]:
    whole = Case(
        f"{name}_c32",
        f"{title}, request, 32 connections",
        32,
        client=client,
        model=model,
        contenders=TRANSLATORS,
        baseline="request_c32",
        quick=quick,
    )
    burst = Case(
        f"{name}_burst",
        f"{title}, event, 200 in a burst, 32 streams",
        32,
        client=client,
        model=model,
        streamed=True,
        contenders=TRANSLATORS,
        baseline="burst",
        quick=quick,
    )
    return [whole, burst]
