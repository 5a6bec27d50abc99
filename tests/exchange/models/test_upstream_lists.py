"""Why an upstream's models are not in a list, said in few words, none of them the upstream's."""

import asyncio
import gzip
from dataclasses import replace

import pytest

from gateway.config.secret import Secret
from gateway.config.settings import CredentialPolicy, Settings, TimeoutSettings, UpstreamSettings
from gateway.errors import GatewayError, InvalidRequest, Reason, TruncatedStream, UpstreamError
from gateway.exchange.decision import Decision
from gateway.exchange.models.upstream_lists import (
    MAX_LIST_BYTES,
    Listed,
    Unlisted,
    UpstreamLists,
    nothing_listed,
    warning_of,
)
from gateway.servers.profile import Profile
from gateway.shapes import UpstreamCall
from tests import kinds
from tests.exchange.scene import ALICE
from tests.fakes import Answer, FakeReply, FakeUpstream, error_reply, json_reply
from tests.waiting import PATIENCE

TIMEOUTS = TimeoutSettings(metadata=0.5)
PATIENT = TimeoutSettings(metadata=PATIENCE)
B = UpstreamSettings("b", "http://b/v1", kinds.OTHER, CredentialPolicy.NONE, timeouts=PATIENT)
OWN = replace(B, credential=CredentialPolicy.KEY, api_key=Secret("sk-own"))


def asked(answer: Answer, upstream: UpstreamSettings = B) -> Listed | Unlisted:
    network = FakeUpstream(lambda _: answer)
    lists = UpstreamLists(Settings((upstream,)), network.send)
    return asyncio.run(lists.ask(upstream.name, ALICE))


def unlisted(answer: Answer, upstream: UpstreamSettings = B) -> Unlisted:
    answered = asked(answer, upstream)
    assert isinstance(answered, Unlisted)
    assert answered.error.__traceback__ is None
    return answered


REFUSED = UpstreamError(
    "Upstream 'b' cannot be reached: the connection was refused; check its base_url and that it "
    "is running.",
    reason=Reason.REFUSED,
)


@pytest.mark.parametrize(
    ("answer", "reason", "text"),
    [
        (error_reply(500, "SAID"), Reason.SERVER_ERROR, "its reply has status 500"),
        (error_reply(429, "SAID"), Reason.RATE_LIMITED, "its reply has status 429"),
        (FakeReply(302), Reason.ERROR_REPLY, "its reply has status 302"),
        (FakeReply(204), Reason.ERROR_REPLY, "its reply has status 204"),
        (error_reply(200, "SAID"), Reason.ERROR_REPLY, "its reply is an error"),
        (FakeReply(pieces=(b"<html>SAID",)), Reason.BAD_REPLY, "its reply is not JSON"),
        (json_reply({"data": "SAID"}), Reason.BAD_REPLY, "there is no list in its reply"),
        (REFUSED, Reason.REFUSED, "it cannot be reached: the connection was refused"),
        (
            FakeReply(pieces=(b'{"data":[',), error=TruncatedStream("Upstream 'b' broke off.")),
            Reason.TRUNCATED,
            "it broke off",
        ),
        (
            FakeReply(pieces=(b" " * 1024 * 1024,) * 17),
            Reason.BAD_REPLY,
            f"The upstream's reply is larger than {MAX_LIST_BYTES} bytes",
        ),
    ],
)
def test_a_list_that_cannot_be_had(answer: Answer, reason: Reason, text: str) -> None:
    left_out = unlisted(answer)
    assert isinstance(left_out.error, UpstreamError)
    assert left_out.error.reason is reason
    assert left_out.reason == text
    decision = Decision()
    left_out.note(decision)
    assert [(each.upstream, each.reason) for each in decision.failures] == [("b", reason)]
    assert warning_of([left_out]) == f"the models of upstream 'b' are not listed: {text}"
    assert "SAID" not in warning_of([left_out])


@pytest.mark.parametrize(
    ("kind", "query", "sent"),
    [
        (kinds.ANTHROPIC, b"", b"limit=1000"),
        (kinds.ANTHROPIC, b"limit=5", b"limit=1000"),
        (kinds.ANTHROPIC, b"a=1&limit=5&%6Cimit=6&limits=2", b"limit=1000&a=1&limits=2"),
        (kinds.ANTHROPIC, b"x", b"limit=1000&x"),
        (kinds.OTHER, b"limit=5&a=1", b"limit=5&a=1"),
        (kinds.OTHER, b"", b""),
    ],
)
def test_a_clients_query_replaces_nothing_that_the_upstream_needs(
    kind: Profile, query: bytes, sent: bytes
) -> None:
    network = FakeUpstream(lambda _: json_reply({"data": []}))
    lists = UpstreamLists(Settings((replace(B, kind=kind),)), network.send)
    asyncio.run(lists.ask("b", ALICE, query))
    assert [call.query for call in network.calls] == [sent]


PAGE = {"data": [{"id": "a"}], "has_more": True, "last_id": "a"}
WHOLE = {"data": [{"id": "a"}, {"id": "b"}], "has_more": False, "last_id": "b"}


@pytest.mark.parametrize(
    ("kind", "first", "second", "queries", "count"),
    [
        (kinds.AUTO, PAGE, json_reply(WHOLE), [b"x=1", b"limit=1000&x=1"], 2),
        (kinds.OTHER, PAGE, error_reply(400, "no limit"), [b"x=1", b"limit=1000&x=1"], 1),
        (kinds.OTHER, PAGE, json_reply({"data": 1}), [b"x=1", b"limit=1000&x=1"], 1),
        (kinds.OTHER, PAGE, REFUSED, [b"x=1", b"limit=1000&x=1"], 1),
        (kinds.OTHER, WHOLE, REFUSED, [b"x=1"], 2),
        (kinds.ANTHROPIC, PAGE, REFUSED, [b"limit=1000&x=1"], 1),
    ],
)
def test_a_page_is_followed_by_the_whole_list_if_that_can_be_had(
    kind: Profile, first: object, second: Answer, queries: list[bytes], count: int
) -> None:
    answers = iter([json_reply(first), second])
    network = FakeUpstream(lambda _: next(answers))
    lists = UpstreamLists(Settings((replace(B, kind=kind),)), network.send)
    answered = asyncio.run(lists.ask("b", ALICE, b"x=1"))
    assert isinstance(answered, Listed)
    assert len(answered.entries) == count
    assert [call.query for call in network.calls] == queries


def test_a_list_that_came_compressed_is_read() -> None:
    packed = gzip.compress(b'{"object":"list","data":[{"id":"m"}]}')
    listed = asked(FakeReply(200, ((b"content-encoding", b"gzip"),), [packed]))
    assert isinstance(listed, Listed)


def test_a_reply_that_is_given_up_is_closed() -> None:
    for reply in (error_reply(500, "x"), FakeReply(pieces=(b" " * 1024 * 1024,) * 17)):
        unlisted(reply)
        assert reply.closed


def test_a_refusal_of_the_gateways_own_key_is_not_the_clients() -> None:
    for status, code in ((401, None), (400, "invalid_api_key"), (200, "invalid_api_key")):
        left_out = unlisted(error_reply(status, "sk-o*wn", code=code), OWN)
        assert left_out.error.code == "upstream_auth_error"
        assert left_out.reason.endswith("refused the key that the gateway is configured with")
    assert unlisted(error_reply(401, "x")).error.status == 401


@pytest.mark.parametrize("body", [b"{}", b"<html>", b'{"error": {"message": "down"}}'])
def test_an_error_about_a_list_has_the_replys_id(body: bytes) -> None:
    error = unlisted(FakeReply(200, ((b"x-request-id", b"up-1"),), (body,))).error
    assert error.headers == (("x-request-id", "up-1"),)


def test_a_limit_says_when_to_come_back() -> None:
    limited = json_reply({}, 429, ((b"retry-after", b"7"), (b"set-cookie", b"x")))
    assert unlisted(limited).error.headers == (("retry-after", "7"),)


def test_what_is_the_clients_fault_is_nothing_for_the_operator() -> None:
    left_out = unlisted(InvalidRequest("The query is wrong."))
    decision = Decision()
    left_out.note(decision)
    assert decision.failures == ()
    assert left_out.reason == "The query is wrong"


def test_all_are_asked_side_by_side_and_those_in_time_are_kept() -> None:
    upstreams = [
        UpstreamSettings(name, "http://x/v1", kinds.OTHER, timeouts=TIMEOUTS) for name in "abc"
    ]
    cancelled: list[str] = []

    async def send(call: UpstreamCall) -> FakeReply:
        if call.upstream == "b":
            return json_reply({"data": [{"id": "m"}]})
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.append(call.upstream)
        raise AssertionError

    async def scenario() -> None:
        lists = UpstreamLists(Settings(tuple(upstreams)), send)
        listed, left_out = await lists.ask_all(ALICE, b"limit=5")
        assert [each.upstream for each in listed] == ["b"]
        assert [(each.upstream, each.reason) for each in left_out] == [
            ("a", "no answer within 0.5 s"),
            ("c", "no answer within 0.5 s"),
        ]
        assert sorted(cancelled) == ["a", "c"]
        error = nothing_listed(left_out)
        assert (error.status, error.code) == (504, "upstream_timeout")
        assert error.message == (
            "The models of upstream 'a' could not be listed: no answer within 0.5 s; see "
            "timeouts.metadata. Upstream 'c': no answer within 0.5 s."
        )
        assert left_out == []

    asyncio.run(scenario())


def test_a_client_that_leaves_takes_its_questions_along() -> None:
    async def scenario() -> None:
        under_way: set[str] = set()
        both = asyncio.Event()

        async def send(call: UpstreamCall) -> FakeReply:
            under_way.add(call.upstream)
            if len(under_way) == 2:
                both.set()
            try:
                await asyncio.Event().wait()
            finally:
                under_way.discard(call.upstream)
            raise AssertionError

        settings = Settings(tuple(UpstreamSettings(name, "http://x/v1") for name in "ab"))
        task = asyncio.create_task(UpstreamLists(settings, send).ask_all(ALICE, b""))
        await both.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not under_way

    asyncio.run(scenario())


def test_what_is_said_of_many_is_bounded() -> None:
    long = UpstreamError("Upstream 'b' " + "x" * 10_000)
    many = [Unlisted(f"u{number}", long) for number in range(100)]
    warning = warning_of(many)
    assert len(warning) < 2000
    assert warning.endswith("nor are those of 92 more upstreams")
    assert warning_of(many[:9]).endswith("nor are those of 1 more upstream")
    assert warning_of([]) == ""
    error: GatewayError = nothing_listed([Unlisted("b", UpstreamError("No.")), *many])
    assert len(error.message) < 2000
