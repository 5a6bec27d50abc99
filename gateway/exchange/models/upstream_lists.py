"""Asks upstreams for their model lists; an upstream that does not answer in time is left out."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

import msgspec

from gateway.config.checks.problems import counted
from gateway.config.settings import Settings, UpstreamSettings
from gateway.envelopes.error_envelopes import is_error_in_success
from gateway.envelopes.printed_values import decode_body
from gateway.errors import GatewayError, Reason, UpstreamError, UpstreamTimeout
from gateway.exchange.decision import Decision
from gateway.exchange.errors import failures
from gateway.exchange.errors.error_replies import listing_failed
from gateway.exchange.models.lists import NoList, entries_of, has_more
from gateway.exchange.reply.classify import read_error
from gateway.exchange.reply.decompressed import readable
from gateway.exchange.reply.reading import identified, read_whole
from gateway.servers.anthropic import WHOLE_LIST
from gateway.servers.profile import MetadataCall
from gateway.shapes import RawHeaders, Send, UpstreamCall
from gateway.translate.parts.sentences import joined

MAX_LIST_BYTES = 16 * 1024 * 1024
MAX_WARNINGS = 8
"""The most upstreams that the header field of the warning names."""
MAX_REASON = 120
"""The most characters of the reason that is given for each upstream."""


@dataclass(frozen=True, slots=True)
class Listed:
    """What an upstream lists; the entries are not yet read."""

    upstream: str
    entries: Sequence[msgspec.Raw] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Unlisted:
    """An upstream that gave no list, and its error, kept `bare()`."""

    upstream: str
    error: GatewayError

    @property
    def reason(self) -> str:
        """Why there is no list, briefly and in the gateway's words: a header field will have it."""
        error = self.error
        status = error.upstream_status if isinstance(error, UpstreamError) else 0
        if status:
            what = "is an error" if status == 200 else f"has status {status}"
            return f"its reply {what}"
        text = error.message.removeprefix(_could_not(self.upstream, ""))
        itself = f"Upstream '{self.upstream}' "
        if text.startswith(itself):
            text = f"it {text.removeprefix(itself)}"
        return text.partition("; ")[0].partition(". ")[0].removesuffix(".")[:MAX_REASON]

    def note(self, decision: Decision) -> None:
        """Note the failed call for the operator, if the failure is the upstream's."""
        if isinstance(self.error, UpstreamError):
            decision.failed(self.upstream, self.error)


class UpstreamLists:
    """The model lists of all upstreams, as each caller's credential sees them.

    `send` sends the calls. Nothing is cached.
    """

    def __init__(self, settings: Settings, send: Send) -> None:
        self._settings = settings
        self._send = send

    async def ask_all(
        self, headers: RawHeaders, query: bytes
    ) -> tuple[list[Listed], list[Unlisted]]:
        """Ask all upstreams side by side, in the order of the configuration."""
        lookups = [self.ask(each.name, headers, query) for each in self._settings.upstreams]
        listed: list[Listed] = []
        unlisted: list[Unlisted] = []
        for answer in await asyncio.gather(*lookups, return_exceptions=True):
            if isinstance(answer, BaseException):
                raise answer
            if isinstance(answer, Listed):
                listed.append(answer)
            else:
                unlisted.append(answer)
        return listed, unlisted

    async def ask(
        self, upstream: str, headers: RawHeaders, query: bytes = b""
    ) -> Listed | Unlisted:
        """Ask one upstream, for at most its `timeouts.metadata`.

        If the upstream answers with a page of its list, it is asked for the whole list; if it does
        not give that, the page counts.
        """
        settings = self._settings.upstream(upstream)
        patience = settings.timeouts.metadata
        end = asyncio.get_running_loop().time() + patience
        call = settings.kind.model_list
        try:
            async with asyncio.timeout_at(end):
                body, fields = await self._body(settings, call, headers, query)
            entries = _entries(settings, body, fields)
            if call != WHOLE_LIST and has_more(body):
                with suppress(TimeoutError, GatewayError):
                    async with asyncio.timeout_at(end):
                        body, fields = await self._body(settings, WHOLE_LIST, headers, query)
                    entries = _entries(settings, body, fields)
            return Listed(upstream, entries)
        except TimeoutError:
            late = UpstreamTimeout(
                _could_not(upstream, f"no answer within {patience:g} s; see timeouts.metadata."),
                reason=Reason.FIRST_BYTE_TIMEOUT,
            )
            return Unlisted(upstream, late)
        except GatewayError as error:
            return Unlisted(upstream, error.bare())

    async def _body(
        self, upstream: UpstreamSettings, call: MetadataCall, headers: RawHeaders, query: bytes
    ) -> tuple[bytes, RawHeaders]:
        """Return the body of one upstream's list, and its fields; raises `GatewayError`."""
        reply = await self._send(
            UpstreamCall(
                upstream.name,
                call.method,
                call.path,
                query=_with_own(call.query.encode(), query),
                client_headers=headers,
                root=call.root,
            )
        )
        if reply.status != 200:
            failure = await read_error(reply)
            failures.check_own_key(upstream, reply.status, failure.body)
            raise listing_failed(upstream.name, reply.status, failure.body, reply.headers)
        return await read_whole(readable(reply), MAX_LIST_BYTES), reply.headers


def _entries(upstream: UpstreamSettings, body: bytes, fields: RawHeaders) -> Sequence[msgspec.Raw]:
    """Return the entries of one upstream's list; raises `GatewayError`."""
    try:
        return entries_of(body)
    except NoList as wrong:
        if is_error_in_success(decode_body(body)):
            failures.check_own_key(upstream, 200, body)
            raise listing_failed(upstream.name, 200, body, fields) from None
        no_list = _could_not(upstream.name, f"{wrong}.")
        raise identified(UpstreamError(no_list), fields) from None


def nothing_listed(unlisted: list[Unlisted]) -> GatewayError:
    """Return the first upstream's error, which also names the others; empties the list.

    The caller must not hold the error in a variable: see `GatewayError.bare`.
    """
    first, *others = unlisted
    unlisted.clear()
    error = first.error
    reasons = [f"Upstream '{each.upstream}': {each.reason}" for each in others[:MAX_WARNINGS]]
    error.message = joined(error.message, *reasons)
    return error


def warning_of(unlisted: Sequence[Unlisted]) -> str:
    """Return the text of `x-gateway-warning` for upstreams that were left out, empty for none."""
    reasons = [
        f"the models of upstream '{each.upstream}' are not listed: {each.reason}"
        for each in unlisted[:MAX_WARNINGS]
    ]
    if len(unlisted) > MAX_WARNINGS:
        more = counted(len(unlisted) - MAX_WARNINGS, "more upstream")
        reasons.append(f"nor are those of {more}")
    return "; ".join(reasons)


def _with_own(own: bytes, query: bytes) -> bytes:
    """Return a query with the fields of the upstream's kind (`own`) before the client's.

    The kind's fields take precedence: without Anthropic's `limit` a list has 20 models.
    """
    if not (own and query):
        return own or query
    names = {_name(field) for field in own.split(b"&")}
    others = [field for field in query.split(b"&") if _name(field) not in names]
    return b"&".join([own, *others])


def _name(field: bytes) -> bytes:
    return unquote_to_bytes(field.partition(b"=")[0])


def _could_not(upstream: str, why: str) -> str:
    return f"The models of upstream '{upstream}' could not be listed: {why}"
