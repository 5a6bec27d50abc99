"""What is measured: one kind of traffic each, and whom it can be asked of.

A new kind of traffic is one `Case` more in `_PASSED_ON` or `_translated`.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from bench.contenders import DIRECT, GATEWAY, GENERIC, KEY, LITELLM, NGINX, PORTKEY
from bench.conversations import AGENT_TURN, AGENT_TURNS, Conversation
from gateway.shapes import Shape

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

    `baseline` names the case that nginx is given in this one's place, perhaps this one itself: it
    translates nothing, so translations are compared with its pass-through of the same traffic,
    measured beside them.
    """

    name: str
    title: str
    connections: int
    client: Shape = Shape.CHAT
    model: str = "bench-chat"
    streamed: bool = False
    request_bytes: int = 1024
    conversation: Conversation | None = None
    """Sent instead of a text of `request_bytes`."""
    turns: int = 1
    """So many turns of the conversation are sent one after the other; it is the middle one."""
    sdk_headers: bool = False
    fresh_heads: bool = False
    """No two requests have the same head: nothing about it can be known from the last one."""
    models: int = 0
    """So many are asked for in turn, by wrk: `model` is the first, and its name ends in -00000."""
    pace_us: int = 0
    """From one request of a connection to the next, by bench/load.c; 0: each follows a reply."""
    contenders: tuple[str, ...] = EVERYBODY
    baseline: str = ""
    quick: bool = False

    def bodies(self) -> list[bytes]:
        """Return the bodies of the requests that each connection sends in turn."""
        if self.conversation is None:
            return [self.body()]
        turns = self.conversation.turns_around(self.turns)
        return [each.body(self.client, self.model, streamed=self.streamed) for each in turns]

    def body(self) -> bytes:
        """Return the request body."""
        if self.conversation is not None:
            return self.conversation.body(self.client, self.model, streamed=self.streamed)
        text = "The quick brown fox jumps over the lazy dog. "
        limit = "max_output_tokens" if self.client is Shape.RESPONSES else "max_tokens"
        request: dict[str, object] = {"model": self.model, "temperature": 0.5, limit: 300}
        if self.streamed:
            request["stream"] = True
        padding = (text * (self.request_bytes // len(text) + 1))[: self.request_bytes - 150]
        if self.client is Shape.COMPLETIONS:
            request["prompt"] = padding
        elif self.client is Shape.RESPONSES:
            request |= {"instructions": "Answer briefly.", "input": padding}
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

    def requests(self, port: int, own: Mapping[str, str]) -> bytes:
        """Return the whole HTTP requests that each connection sends in turn."""
        return b"".join(self._request(port, own, body) for body in self.bodies())

    def _request(self, port: int, own: Mapping[str, str], body: bytes) -> bytes:
        fields = {"Host": f"127.0.0.1:{port}", **self.headers(own), "Content-Length": len(body)}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        return f"POST {self.client.endpoint} HTTP/1.1\r\n{head}\r\n".encode() + body


MANY_STREAMS = Case(
    "many_streams",
    "1,000 streams, one event a second each",
    1000,
    model="bench-paced-1000",
    streamed=True,
    quick=True,
)
"""Measured apart: once, before the load of the others."""


def cases(*, quick: bool, named: str = "") -> list[Case]:
    """Return the cases to measure, each after its baseline.

    `named` lists names, or patterns as of file names, separated by commas: these cases, quick or
    not. Raises `ValueError` for a name without a case.
    """
    known = [*_PASSED_ON, *_translated(), MANY_STREAMS]
    patterns = [name.strip() for name in named.split(",") if name.strip()]
    for pattern in patterns:
        if not any(fnmatchcase(case.name, pattern) for case in known):
            names = ", ".join(case.name for case in known)
            raise ValueError(f"CASES: '{pattern}' matches no case; choose from {names}")
    if patterns:
        chosen = [case for case in known if any(fnmatchcase(case.name, p) for p in patterns)]
    else:
        chosen = [case for case in known if case.quick or not quick]
    return sorted(chosen, key=lambda case: (case.streamed, bool(case.baseline)))


def baseline_of(case: Case) -> Case:
    """Return the case that nginx is given in the place of this one."""
    if not case.baseline:
        return case
    return next(each for each in (*_PASSED_ON, *_translated()) if each.name == case.baseline)


def case_for(case: Case, contender: str) -> Case:
    """Return the case that a contender is given in the place of this one.

    LiteLLM is asked by four agents at a time: it takes up all at once, and does not complete one of
    32 within ten seconds.
    """
    if contender == NGINX:
        return baseline_of(case)
    if contender == LITELLM and case.conversation is not None:
        return replace(case, connections=4)
    return case


_PASSED_ON = (
    Case("request_c1", "request, 1 connection", 1, quick=True),
    Case("request_c32", "request, 32 connections", 32, quick=True),
    Case("request_c256", "request, 256 connections", 256),
    Case("request_32k", "request of 32 KB, 32 connections", 32, request_bytes=32 * 1024),
    Case("request_sdk", "request with the OpenAI SDK's headers, 32 c.", 32, sdk_headers=True),
    Case("request_fresh", "request, its head new each time, 32 c.", 32, fresh_heads=True),
    Case(
        "agent",
        "agent's turn of 110 KB, 32 c.",
        32,
        conversation=AGENT_TURN,
        turns=AGENT_TURNS,
        quick=True,
    ),
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


@dataclass(frozen=True, slots=True)
class Pair:
    """A client's shape, and that of the endpoint where its model lives."""

    client: Shape
    home: Shape
    bursts: bool = True
    paced: bool = False
    agents: bool = True
    portkey: bool = False
    """Whether Portkey's gateway translates it."""
    quick: tuple[str, ...] = ()
    """What of it a quick run measures: `c32`, `burst`, `agent`."""

    @property
    def title(self) -> str:
        """What people call it."""
        return f"{self.client}→{self.home}"

    @property
    def model(self) -> str:
        """The model that lives there."""
        return f"bench-{self.home}"

    @property
    def contenders(self) -> tuple[str, ...]:
        """Who can be asked."""
        return (*TRANSLATORS, PORTKEY) if self.portkey else TRANSLATORS


_SMALL_CASES = ("c32", "burst")
PAIRS = (
    Pair(Shape.COMPLETIONS, Shape.CHAT, paced=True, agents=False, quick=_SMALL_CASES),
    Pair(Shape.CHAT, Shape.RESPONSES, quick=(*_SMALL_CASES, "agent")),
    Pair(Shape.RESPONSES, Shape.CHAT, quick=("agent",)),
    Pair(Shape.MESSAGES, Shape.CHAT, paced=True, quick=(*_SMALL_CASES, "agent")),
    Pair(Shape.MESSAGES, Shape.RESPONSES, quick=("agent",)),
    Pair(Shape.CHAT, Shape.MESSAGES, portkey=True),
    Pair(Shape.RESPONSES, Shape.MESSAGES, bursts=False),
)


def _translated() -> Iterator[Case]:
    for pair in PAIRS:
        yield _small(pair, "c32", "request, 32 connections")
        if pair.agents:
            yield _agent(pair)
        if pair.bursts:
            yield _small(pair, "burst", "event, 200 in a burst, 32 streams")
        if pair.paced:
            yield _paced(pair)


def _small(pair: Pair, kind: str, title: str) -> Case:
    return Case(
        f"{pair.client}_{pair.home}_{kind}",
        f"{pair.title}, {title}",
        32,
        client=pair.client,
        model=pair.model,
        streamed=kind == "burst",
        contenders=pair.contenders,
        baseline="burst" if kind == "burst" else "request_c32",
        quick=kind in pair.quick,
    )


def _agent(pair: Pair) -> Case:
    name = f"agent_{pair.client}_{pair.home}"
    return Case(
        name,
        f"{pair.title}, agent's turn of 110 KB, 32 c.",
        32,
        client=pair.client,
        model=pair.model,
        conversation=AGENT_TURN,
        turns=AGENT_TURNS,
        contenders=pair.contenders,
        baseline=name,
        quick="agent" in pair.quick,
    )


def _paced(pair: Pair) -> Case:
    return Case(
        f"{pair.client}_{pair.home}_paced_256",
        f"{pair.title}, event, per 10 ms, 256 streams",
        256,
        client=pair.client,
        model="bench-paced-10",
        streamed=True,
        contenders=pair.contenders,
        baseline="paced_256",
    )
