"""A strict emulator of OpenAI's and Anthropic's API: models answer at their own endpoints only.

For tests and for `gateway demo`: no network, no key, no randomness. `models` lists the models,
`generation.scenarios` the commands that a prompt can carry (`!429`, `!truncate`, …). Replies repeat
their input (`endpoints.completions`, `generation.turns`), so that a test sees what arrived.
Requests are checked parameter by parameter against the endpoint's own list (`rules`), and refused
in OpenAI's words (`refusals`), or Anthropic's (`messages_service`).

```python
with emulator.serve() as served:
    client = openai.OpenAI(base_url=served.base_url, api_key="sk-anything")
    ...
    assert [call.path for call in served.journal] == ["/v1/completions"]
```
"""

import itertools
import re
import socket
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import uvicorn
from starlette.types import Receive, Scope, Send

from gateway.demo.accounts import Accounts
from gateway.demo.call import Call, ClientLeft, Handler, RequestContext
from gateway.demo.endpoints import (
    chat,
    completions,
    listing,
    media,
    media_forms,
    messages_listing,
)
from gateway.demo.endpoints.files import Files
from gateway.demo.endpoints.fine_tuning import FineTuning
from gateway.demo.generation.answer import Answer, Json, ReplyIds
from gateway.demo.generation.barrier import Barrier
from gateway.demo.generation.delivery import deliver
from gateway.demo.journal import Journal
from gateway.demo.messages_service import (
    MessagesService,
    check_version,
    credential,
    either,
    refusal_of,
)
from gateway.demo.models import DemoModel, Endpoint
from gateway.demo.refusals import Refused
from gateway.demo.refusals.service import unknown_url, wrong_method
from gateway.demo.responses_service import ResponsesService
from gateway.demo.rules import chat as chat_rules
from gateway.demo.rules import completions as completions_rules
from gateway.demo.rules import shared
from gateway.demo.sockets.connection import SocketConnection
from gateway.demo.sockets.service import DEFAULT, SocketService, SocketSettings

CREATED = 1_788_220_800
"""The time of every reply: 2026-09-01, in unix seconds."""
_STOP_TIMEOUT = 10.0
_LONGEST_HEAD = 64 * 1024
_JOB = "/v1/fine_tuning/jobs/(?P<job>[^/]+)"
_MODEL = "/v1/models/(?P<model>.+)"
_RESPONSE = f"{Endpoint.RESPONSES}/(?P<response>[^/]+)"

CheckNames = Callable[[Json], None]
MakeAnswer = Callable[[Json, DemoModel, ReplyIds], Answer]


@dataclass(frozen=True, slots=True)
class _Route:
    method: str
    path: re.Pattern[str]
    handler: Handler


class Emulator:
    """The emulator as an ASGI application.

    `journal` has the requests that arrived; `release()` frees waiting `!slow` replies. Arguments:
    see `build`.
    """

    def __init__(
        self,
        accounts: Accounts,
        pace: float,
        journal_size: int,
        sockets: SocketSettings = DEFAULT,
    ) -> None:
        self.journal = Journal(journal_size)
        self.barrier = Barrier()
        self._accounts = accounts
        self._pace = pace
        self._clock = sockets.clock
        self._numbers = itertools.count(1)
        given = (self._numbers, CREATED, self.barrier, pace)
        self._messages = MessagesService(*given)
        self._responses_service = ResponsesService(*given)
        self._sockets = SocketService(sockets, accounts, self._responses_service, *given)
        self._routes = self._table()

    def _table(self) -> list[_Route]:
        files, tuning = Files(CREATED), FineTuning(CREATED)
        anthropics, own = self._messages, self._responses_service
        table: list[tuple[str, str, Handler]] = [
            ("POST", Endpoint.COMPLETIONS, self._completions),
            ("POST", Endpoint.CHAT, self._chat),
            ("POST", Endpoint.RESPONSES, self._responses),
            ("POST", f"{Endpoint.RESPONSES}/compact", own.compact),
            ("POST", f"{Endpoint.RESPONSES}/input_tokens", own.input_tokens),
            ("GET", _RESPONSE, own.stored),
            ("GET", f"{_RESPONSE}/input_items", own.input_items),
            ("DELETE", _RESPONSE, own.delete),
            ("POST", Endpoint.MESSAGES, anthropics.create),
            ("POST", f"{Endpoint.MESSAGES}/count_tokens", anthropics.count_tokens),
            ("POST", Endpoint.EMBEDDINGS, media.embeddings),
            ("POST", Endpoint.MODERATIONS, media.moderations),
            ("POST", Endpoint.SPEECH, media.speech),
            ("POST", Endpoint.IMAGES, media.images),
            ("POST", Endpoint.IMAGE_EDITS, media_forms.image_edits),
            ("POST", Endpoint.IMAGE_VARIATIONS, media_forms.image_variations),
            ("POST", Endpoint.TRANSCRIPTIONS, media_forms.transcriptions),
            ("POST", Endpoint.TRANSLATIONS, media_forms.translations),
            ("GET", "/v1/models", either(messages_listing.models, listing.models)),
            ("GET", _MODEL, either(messages_listing.model, listing.model)),
            ("DELETE", _MODEL, listing.delete_model),
            ("GET", "/v1/fine_tuning/jobs", listing.jobs),
            ("POST", "/v1/fine_tuning/jobs", tuning.create),
            ("GET", _JOB, tuning.retrieve),
            ("POST", f"{_JOB}/cancel", tuning.cancel),
            ("GET", f"{_JOB}/events", listing.events),
            ("GET", f"{_JOB}/checkpoints", listing.checkpoints),
            ("POST", "/v1/files", files.upload),
            ("GET", "/v1/files", files.all),
            ("GET", "/v1/files/(?P<file>[^/]+)", files.one),
            ("DELETE", "/v1/files/(?P<file>[^/]+)", files.delete),
            ("GET", "/v1/files/(?P<file>[^/]+)/content", files.content),
        ]
        return [_Route(method, re.compile(path), handler) for method, path, handler in table]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or serve one WebSocket; raises `RuntimeError` for other scopes."""
        if scope["type"] not in ("http", "websocket"):
            raise RuntimeError(f"the emulator speaks HTTP and WebSocket, not {scope['type']}")
        request_id = f"req_demo{next(self._numbers):08d}"
        if scope["type"] == "websocket":
            connection = SocketConnection(scope, receive, send, request_id, self._clock)
            self.journal.add(connection.record)
            await self._sockets.serve(connection)
            return
        call = Call(scope, receive, send, request_id)
        self.journal.add(call.record)
        try:
            await self._answer(call)
        except Refused as refused:
            body = refused.envelope()
            if call.is_anthropics:
                body, refused = refusal_of(refused, call.request_id)
            await call.reply_json(body, refused.status, refused.headers)
        except ClientLeft:
            call.record.disconnected.set()
        finally:
            call.record.finished.set()

    def release(self) -> None:
        """Free the `!slow` replies that wait now; from any thread."""
        self.barrier.release()

    async def _answer(self, call: Call) -> None:
        handler, parts = self._route(call.record.method, call.record.path)
        headers = call.record.headers
        if call.is_anthropics:
            account = self._accounts.authenticate(credential(headers))
            check_version(headers)
        else:
            account = self._accounts.authenticate(headers.get("authorization"))
        await handler(RequestContext(call, account, parts))

    def _route(self, method: str, path: str) -> tuple[Handler, Mapping[str, str]]:
        found = [(route, match) for route in self._routes if (match := route.path.fullmatch(path))]
        for route, match in found:
            if route.method == method:
                return route.handler, match.groupdict()
        if found:
            raise wrong_method(method, path)
        raise unknown_url(method, path)

    async def _completions(self, context: RequestContext) -> None:
        names = completions_rules.check_names
        await self._generate(context, Endpoint.COMPLETIONS, names, completions.answer)

    async def _chat(self, context: RequestContext) -> None:
        await self._generate(context, Endpoint.CHAT, chat_rules.check_names, chat.answer)

    async def _responses(self, context: RequestContext) -> None:
        await self._responses_service.create(context)

    async def _generate(
        self,
        context: RequestContext,
        endpoint: Endpoint,
        check_names: CheckNames,
        make_answer: MakeAnswer,
    ) -> None:
        body = await context.call.json()
        name = shared.requested_model(body)
        check_names(body)
        model = context.account.model_for(name, endpoint)
        answer = make_answer(body, model, ReplyIds(next(self._numbers), CREATED))
        stream = bool(body.get("stream"))
        await deliver(context.call, answer, stream=stream, barrier=self.barrier, pace=self._pace)


def build(
    *,
    keys: Mapping[str, Collection[str]] | None = None,
    earlier_jobs: int = 20,
    pace: float = 0.0,
    journal_size: int = 1000,
    sockets: int | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Emulator:
    """Make an emulator.

    `keys` maps each accepted bearer key to the model ids that it sees. Without it, any key that
    begins with `sk-` sees the public and acme's models, and `models.PRIVATE_KEY` the private one
    too. `earlier_jobs` failed fine-tuning jobs are listed before the useful ones. `pace` is the
    time between two events of a stream, in seconds. The journal keeps `journal_size` requests.
    `sockets` is the status, 404 or 426, with which WebSockets are refused, as by a server that has
    none; `clock` returns the seconds of which an open one lasts an hour.
    """
    settings = SocketSettings(sockets, clock)
    return Emulator(Accounts(keys, earlier_jobs), pace, journal_size, settings)


@dataclass(frozen=True, slots=True)
class Served:
    """A running emulator: `base_url` ends with `/v1`, without a slash."""

    base_url: str
    emulator: Emulator

    @property
    def journal(self) -> Journal:
        """The requests that arrived."""
        return self.emulator.journal

    def release(self) -> None:
        """Free the `!slow` replies that wait now."""
        self.emulator.release()


@contextmanager
def serve(emulator: Emulator | None = None) -> Iterator[Served]:
    """Run an emulator on a free port of 127.0.0.1, in its own thread, until the block ends.

    Replies that are still running then are aborted.
    """
    emulator = emulator or build()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        # Accepted sockets inherit it; asyncio sets it only on sockets that name their protocol.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        config = uvicorn.Config(
            emulator,
            loop="asyncio",
            # httptools drops the body of a request that offers another protocol, as Java's do.
            http="h11",
            h11_max_incomplete_event_size=_LONGEST_HEAD,
            lifespan="off",
            ws="websockets-sansio",
            ws_per_message_deflate=False,
            log_config=None,
            log_level="critical",
            access_log=False,
            timeout_graceful_shutdown=1,
        )
        server = uvicorn.Server(config)
        # The socket listens already: early clients wait in its backlog.
        thread = threading.Thread(
            target=server.run, args=([listening],), name="emulator", daemon=True
        )
        thread.start()
        try:
            yield Served(f"http://127.0.0.1:{listening.getsockname()[1]}/v1", emulator)
        finally:
            emulator.barrier.lift()
            server.should_exit = True
            thread.join(_STOP_TIMEOUT)
