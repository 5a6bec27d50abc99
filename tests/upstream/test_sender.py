import asyncio
import sys
from dataclasses import replace

import pytest

from gateway.config.secret import Secret
from gateway.config.settings import ClientSettings, Settings, TimeoutSettings, UpstreamSettings
from gateway.errors import Reason, UpstreamTimeout, UpstreamUnavailable
from gateway.upstream import sender
from gateway.upstream.credentials import Credentials
from gateway.upstream.one_address import OneAddress
from gateway.upstream.pool import Pool
from gateway.upstream.proxied.http_client import HttpClient
from gateway.upstream.sender import Upstreams
from gateway.upstream.slots import UpstreamStats
from tests.addresses import held_port
from tests.upstream.conftest import GET, read, sender_for, settings_for
from tests.upstream.scripted import Peer, replies, scripted, until, with_length
from tests.upstream.websocket.scene import REALTIME, User, accepting

pytestmark = pytest.mark.anyio

LOCAL = settings_for("http://127.0.0.1:1/v1")
POST = GET.copy(method="POST", body=b"{}")


async def test_calls_go_to_the_upstream_that_they_name_and_are_counted_there() -> None:
    async with (
        scripted(replies(with_length(b"one"))) as one,
        scripted(replies(with_length(b"two"))) as two,
    ):
        settings = Settings(
            (
                replace(settings_for(one.base_url), name="one"),
                replace(settings_for(two.base_url), name="two"),
            )
        )
        upstreams = Upstreams(settings)
        for name in ("one", "two"):
            reply = await upstreams.send(GET.copy(upstream=name))
            assert await read(reply) == name.encode()
        await until(lambda: upstreams.stats()["one"].in_flight == 0)
        idle = UpstreamStats(in_flight=0, idle=1, queued=0)
        assert upstreams.stats() == {"one": idle, "two": idle}
        await upstreams.aclose()
        assert upstreams.stats()["one"].idle == 0


async def test_the_own_pool_is_used_unless_a_proxy_is_configured() -> None:
    proxied = replace(LOCAL, name="proxied", proxy=Secret("http://127.0.0.1:2"))
    credentials = Credentials(LOCAL)
    cleartext = (replace(LOCAL, http2=True), Pool), (replace(proxied, http2=True), HttpClient)
    for upstream, kind in ((LOCAL, Pool), (proxied, HttpClient), *cleartext):
        made = sender._sender(upstream, upstream.base_url, credentials)
        assert isinstance(made, kind)
        await made.aclose()


async def test_only_one_address_sends_in_two_parts() -> None:
    several = replace(LOCAL, name="several", further_urls=("http://127.0.0.1:2/v1",))
    upstreams = Upstreams(Settings((LOCAL, several)))
    local = POST.copy(upstream=LOCAL.name)
    assert isinstance(upstreams.at_once(local), OneAddress)
    assert upstreams.at_once(POST.copy(upstream="several")) is None
    with pytest.raises(KeyError):
        upstreams.at_once(POST.copy(upstream="nobody"))
    await upstreams.aclose()


async def accepts_sockets(peer: Peer) -> None:
    await accepting(peer)
    await peer.gone()


async def test_sockets_are_opened_at_the_upstream_of_a_call_and_closed_with_it() -> None:
    async with scripted(accepts_sockets) as upstream:
        upstreams = Upstreams(Settings((settings_for(upstream.base_url),)))
        user = User()
        (await upstreams.dial(REALTIME)).attach(user)
        following = Upstreams(Settings((settings_for(upstream.base_url),)), before=upstreams)
        await upstreams.aclose(besides=following)
        assert user.end is None
        await following.aclose()
        assert user.end == (1006, "")


async def test_no_socket_is_opened_through_a_proxy() -> None:
    proxied = replace(LOCAL, proxy=Secret("http://127.0.0.1:2"))
    upstreams = Upstreams(Settings((proxied,)))
    with pytest.raises(UpstreamUnavailable, match="through a proxy") as caught:
        await upstreams.dial(REALTIME)
    assert (caught.value.status, caught.value.reason) == (501, Reason.PROXY)
    await upstreams.aclose()


async def answers_posts_only(peer: Peer) -> None:
    while (await peer.request()).method == "POST":
        await peer.send(with_length(b"made"))
    await peer.gone()


async def test_look_ups_that_hang_leave_every_place_to_requests(
    variant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "_sender", lambda upstream, *_: sender_for(variant, upstream))
    async with scripted(answers_posts_only) as upstream:
        settings = replace(settings_for(upstream.base_url), max_connections=2)
        upstreams = Upstreams(Settings((settings,)))
        asked = [asyncio.create_task(upstreams.ask(GET)) for _ in range(9)]
        await until(lambda: upstream.open == 4)
        assert upstreams.stats()["local"].in_flight == 0
        posted = await asyncio.gather(*(upstreams.send(POST) for _ in range(2)))
        assert [await read(reply) for reply in posted] == [b"made"] * 2
        await until(lambda: upstreams.stats()["local"].in_flight == 0)
        await upstreams.aclose()
        await asyncio.wait(asked)
        assert all(each.exception() is not None for each in asked)


async def test_a_look_up_is_given_up_after_a_time_of_its_own_whichever_phase_it_is_in(
    variant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "_sender", lambda upstream, *_: sender_for(variant, upstream))
    async with scripted(answers_posts_only) as upstream:
        hasty = TimeoutSettings(metadata=0.01)
        settings = replace(settings_for(upstream.base_url), max_connections=1, timeouts=hasty)
        upstreams = Upstreams(Settings((settings,)))
        asked = [asyncio.create_task(upstreams.ask(GET)) for _ in range(6)]
        await asyncio.wait(asked)
        for each in asked:
            error = each.exception()
            assert isinstance(error, UpstreamTimeout)
            assert "no reply to a look-up within 0.05 s" in error.message
            assert error.reason is Reason.FIRST_BYTE_TIMEOUT
        await upstreams.aclose()


async def test_an_upstream_that_is_not_configured_is_a_fault_of_the_gateway() -> None:
    upstreams = Upstreams(Settings((LOCAL,)))
    with pytest.raises(KeyError):
        await upstreams.send(GET.copy(upstream="other"))
    with pytest.raises(KeyError):
        await upstreams.ask(GET.copy(upstream="other"))
    with pytest.raises(KeyError):
        upstreams.fingerprint("other", ())


def test_fingerprints_are_the_upstreams_own() -> None:
    callers = UpstreamSettings("openai", "https://api.openai.com/v1")
    upstreams = Upstreams(Settings((LOCAL, callers)))
    theirs = ((b"authorization", b"Bearer sk-a"),)
    assert upstreams.fingerprint("local", theirs) == upstreams.fingerprint("local", ())
    assert upstreams.fingerprint("openai", theirs) != upstreams.fingerprint("openai", ())


def test_the_gateways_client_keys_are_known_to_every_upstream() -> None:
    digest = "2c70e12b7a0646f92279f427c7b38e7334d8e5389cff167a1dc30e73f826b683"  # of `key`
    callers = UpstreamSettings("openai", "https://api.openai.com/v1")
    upstreams = Upstreams(Settings((callers,), clients=(ClientSettings("team", (digest,)),)))
    own = ((b"authorization", b"Bearer key"),)
    assert upstreams.fingerprint("openai", own) == upstreams.fingerprint("openai", ())


@pytest.mark.parametrize(
    ("upstream", "complaint"),
    [
        (replace(LOCAL, base_url="local"), "upstream 'local': base_url must be"),
        (replace(LOCAL, proxy=Secret("socks5://127.0.0.1:1")), "'local': a SOCKS proxy needs"),
        (replace(LOCAL, base_url="https://a/", verify="/nowhere"), "upstream 'local': verify"),
        (replace(LOCAL, forward_headers=("cookie",)), "^upstream 'local': forward_headers"),
    ],
)
def test_settings_that_cannot_be_used_are_refused_with_the_upstreams_name(
    monkeypatch: pytest.MonkeyPatch, upstream: UpstreamSettings, complaint: str
) -> None:
    monkeypatch.setitem(sys.modules, "socksio", None)
    with pytest.raises(ValueError, match=complaint):
        Upstreams(Settings((upstream,)))


async def test_several_addresses_of_an_upstream_are_one_destination() -> None:
    noticed: list[tuple[str, str, Reason | None]] = []
    async with scripted(replies(with_length(b"one"), with_length(b"one"))) as one:
        dead = f"http://127.0.0.1:{held_port()}/v1"
        settings = settings_for(dead, further_urls=(one.base_url,))
        upstreams = Upstreams(Settings((settings,)), lambda *change: noticed.append(change))
        posted = POST.copy()
        assert await read(await upstreams.send(posted)) == b"one"
        assert posted.address == one.base_url
        assert noticed == [("local", dead, Reason.REFUSED)]
        assert [look.up for look in upstreams.health()["local"]] == [False, True]
        assert await read(await upstreams.ask(GET.copy())) == b"one"
        assert await upstreams.failing(GET, 5) == {dead: Reason.REFUSED}
        await upstreams.aclose()


async def test_an_only_address_is_not_asked_again() -> None:
    upstreams = Upstreams(Settings((LOCAL,)))
    assert await upstreams.failing(GET, 5) == {}
    assert upstreams.health()["local"][0].failures == 0
    await upstreams.aclose()


async def test_messages_have_an_address_of_their_own_where_one_is_configured() -> None:
    async with (
        scripted(replies(with_length(b"chat"), with_length(b"list"))) as chat,
        scripted(replies(*[with_length(b"messages")] * 2)) as messages,
    ):
        settings = settings_for(chat.base_url, messages_url=messages.base_url)
        upstreams = Upstreams(Settings((settings, replace(LOCAL, name="plain"))))
        for path in ("/messages", "/messages/count_tokens"):
            assert await read(await upstreams.send(POST.copy(path=path))) == b"messages"
        assert await read(await upstreams.send(POST.copy())) == b"chat"
        assert await read(await upstreams.send(GET.copy())) == b"list"
        plain = POST.copy(upstream="plain", path="/messages")
        with pytest.raises(UpstreamUnavailable):
            await upstreams.send(plain)
        await until(lambda: messages.open == 1)
        await upstreams.aclose()
        await until(lambda: messages.open == chat.open == 0)


async def test_a_reload_keeps_the_connections_to_an_unchanged_messages_url() -> None:
    async with scripted(replies(*[with_length(b"messages")] * 2)) as messages:
        settings = settings_for(LOCAL.base_url, messages_url=messages.base_url)
        before = Upstreams(Settings((settings,)))
        sent = POST.copy(path="/messages")
        assert await read(await before.send(sent)) == b"messages"
        after = Upstreams(Settings((settings,)), before=before)
        await before.aclose(besides=after)
        assert await read(await after.send(sent)) == b"messages"
        assert messages.open == 1
        changed = Upstreams(Settings((replace(settings, messages_url=None),)), before=after)
        await after.aclose(besides=changed)
        await until(lambda: messages.open == 0)
        await changed.aclose()
