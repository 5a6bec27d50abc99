"""TLS towards upstreams: whom the gateway trusts, and servers that ask who it is."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.config.secret import Secret
from gateway.config.settings import Settings, TlsSettings, UpstreamSettings
from gateway.errors import Reason, UpstreamError, UpstreamUnavailable
from gateway.shapes import UpstreamCall
from gateway.sockets import Refused
from gateway.upstream.sender import Upstreams
from gateway.upstream.transport.client_tls import (
    CertificateRefused,
    certificate_refused,
    client_context,
    failed_handshake,
    suspect_certificate,
)
from tests import kinds
from tests.certificates import make_pair
from tests.upstream.conftest import GET, call, read, sender_for, settings_for
from tests.upstream.mutual import (
    Authority,
    MutualServer,
    authority_in,
    mutual_server,
    silent_server,
)
from tests.upstream.scripted import Peer, scripted
from tests.upstream.websocket.scene import REALTIME, dialer_for

pytestmark = pytest.mark.anyio

TLS_1_2, TLS_1_3 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority_in(tmp_path_factory.mktemp("tls"))


def towards(
    server: MutualServer, authority: Authority, tls: TlsSettings | None, **changes: object
) -> UpstreamSettings:
    trusted = str(authority.server.certificate)
    return settings_for(server.base_url, verify=trusted, tls=tls, **changes)


def test_tls_is_verified_unless_switched_off(tmp_path: Path) -> None:
    def context(verify: bool | str) -> ssl.SSLContext:
        return client_context(settings_for("https://a", verify=verify))

    assert context(True).verify_mode is ssl.CERT_REQUIRED
    assert context(True).check_hostname
    assert context(False).verify_mode is ssl.CERT_NONE
    assert context(str(tmp_path)).verify_mode is ssl.CERT_REQUIRED


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_ca_bundle_that_is_none_is_refused(tmp_path: Path, content: str | None) -> None:
    bundle = tmp_path / "ca.pem"
    if content is not None:
        bundle.write_text(content)
    with pytest.raises(ValueError, match="no usable CA bundle"):
        client_context(settings_for("https://a", verify=str(bundle)))


def test_a_certificate_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    one, other = make_pair(tmp_path, "one"), make_pair(tmp_path, "other")
    for key, reason in ((other.key, "the key does not belong"), (tmp_path / "x", "No such file")):
        tls = TlsSettings(str(one.certificate), str(key))
        with pytest.raises(ValueError, match=f"^tls: {reason}"):
            client_context(settings_for("https://a", tls=tls))


@pytest.mark.parametrize("version", [TLS_1_2, TLS_1_3])
async def test_a_server_that_asks_is_shown_the_certificate(
    variant: str, authority: Authority, version: ssl.TLSVersion
) -> None:
    good = authority.issued("good").settings
    with mutual_server(authority.context(version)) as server:
        sender = sender_for(variant, towards(server, authority, good))
        for asked in (GET, call(b"{}")):
            assert await read(await sender.send(asked)) == b"fine"
        assert server.names == ["good"]
        await sender.aclose()
        asker = sender.for_look_ups()
        assert await read(await asker.send(GET)) == b"fine"
        assert server.names == ["good", "good"]
        await asker.aclose()


@pytest.mark.parametrize("version", [TLS_1_2, TLS_1_3])
@pytest.mark.parametrize(
    ("shown", "said"),
    [
        ("nothing", "requires a client certificate; set tls.certificate and tls.key"),
        ("of another authority", r"no client certificate that it was shown \(unknown CA\); check"),
        ("expired", r"no client certificate that it was shown \(certificate expired\); check tls"),
    ],
)
async def test_a_server_that_refuses_the_certificate_is_unavailable_and_says_why(
    variant: str,
    authority: Authority,
    tmp_path: Path,
    version: ssl.TLSVersion,
    shown: str,
    said: str,
) -> None:
    tls = None
    if shown == "expired":
        tls = authority.issued("expired", valid=(-9, -1)).settings
    elif shown == "of another authority":
        tls = make_pair(tmp_path, "other", issuer=make_pair(tmp_path, "others")).settings
    elif version is TLS_1_2:
        said = r"HANDSHAKE_FAILURE\)\. If it requires a client certificate, set tls\.certificate"
    with mutual_server(authority.context(version)) as server:
        sender = sender_for(variant, towards(server, authority, tls))
        for asked in (GET, call(b"{}")):
            with pytest.raises(UpstreamUnavailable, match=said) as caught:
                await sender.send(asked)
            assert caught.value.reason is Reason.TLS
        assert sender.stats().in_flight == 0
        await sender.aclose()
    assert server.refused == 2


@pytest.mark.parametrize(
    ("shown", "suspicion"),
    [
        ("nothing", "If it requires a client certificate, set tls.certificate and tls.key."),
        ("another", "It may not accept the certificate that it is shown; check tls.certificate."),
    ],
)
async def test_a_server_that_refuses_the_certificate_without_a_word_is_suspected_of_it(
    variant: str, authority: Authority, tmp_path: Path, shown: str, suspicion: str
) -> None:
    other = make_pair(tmp_path, "other", issuer=make_pair(tmp_path, "others")).settings
    tls = other if shown == "another" else None
    trusted = str(authority.server.certificate)
    async with silent_server(authority.context()) as base_url:
        settings = settings_for(base_url, verify=trusted, tls=tls)
        sender = sender_for(variant, settings)
        for asked in (GET, call(b"{}")):
            with pytest.raises(UpstreamError) as caught:
                await sender.send(asked)
            assert caught.value.reason is Reason.CLOSED
            assert caught.value.message.endswith(suspicion)
        await sender.aclose()
        dialer = dialer_for(base_url, verify=trusted, tls=tls)
        with pytest.raises(UpstreamError) as caught:
            await dialer.dial(REALTIME)
        assert caught.value.message.endswith(suspicion)
        await dialer.aclose()


def test_neither_a_late_end_nor_a_well_known_service_is_suspected() -> None:
    asked, unasked = settings_for("https://a"), settings_for("https://a", kind=kinds.OPENAI)
    shown = replace(unasked, tls=TlsSettings("c", "k"))
    found = []
    for upstream, seconds in ((asked, 0.5), (asked, 5.0), (unasked, 0.5), (shown, 0.5)):
        error = UpstreamError("It closed.")
        suspect_certificate(error, upstream, seconds)
        found.append("certificate" in error.message)
    assert found == [True, False, False, True]


async def test_a_request_that_was_refused_is_sent_to_another_address_unless_it_was_a_stream(
    authority: Authority, tmp_path: Path
) -> None:
    other = replace(authority, clients=make_pair(tmp_path, "others"))
    good = authority.issued("good").settings

    async def body() -> AsyncIterator[bytes]:
        yield b"used up"

    with mutual_server(other.context()) as refusing, mutual_server(authority.context()) as server:
        settings = towards(refusing, authority, good, further_urls=(server.base_url,))
        upstreams = Upstreams(Settings((settings,)))
        reply = await upstreams.send(call(b"{}"))
        assert await read(reply) == b"fine"
        assert len(server.names) == 1
        await upstreams.aclose()
        upstreams = Upstreams(Settings((settings,)))
        with pytest.raises(CertificateRefused):
            await upstreams.send(call(body()))
        await upstreams.aclose()
    assert (refusing.refused, len(server.names)) == (2, 1)


@pytest.mark.parametrize("variant", ["pool-asyncio", "pool-uvloop"], indirect=True)
async def test_sockets_are_opened_with_the_certificate(
    variant: str, authority: Authority, tmp_path: Path
) -> None:
    good = authority.issued("good")
    wrong = make_pair(tmp_path, "other", issuer=make_pair(tmp_path, "others"))
    with mutual_server(authority.context()) as server:
        trusted = str(authority.server.certificate)
        for tls, said in ((wrong, "unknown CA"), (None, "requires a client certificate")):
            dialer = dialer_for(
                server.base_url, verify=trusted, tls=tls.settings if tls is not None else None
            )
            with pytest.raises(CertificateRefused, match=said):
                await dialer.dial(REALTIME)
            await dialer.aclose()
        dialer = dialer_for(server.base_url, verify=trusted, tls=good.settings)
        with pytest.raises(Refused):  # it answers 200
            await dialer.dial(REALTIME)
        assert server.names == ["good"]
        await dialer.aclose()


async def test_the_certificate_is_for_the_server_and_not_for_the_proxy_before_it(
    authority: Authority,
) -> None:
    good = authority.issued("good").settings
    tunnels: list[str] = []

    async def proxy(peer: Peer) -> None:
        tunnels.append((await peer.head()).target)
        reader, writer = await asyncio.open_connection("localhost", server.port)
        await peer.send(b"HTTP/1.1 200 OK\r\n\r\n")

        async def back() -> None:
            while piece := await reader.read(65536):
                await peer.send(piece)
            peer.writer.close()

        backwards = asyncio.create_task(back())
        try:
            while piece := await peer.reader.read(65536):
                writer.write(piece)
        finally:
            writer.close()
            await writer.wait_closed()
            await backwards

    with mutual_server(authority.context()) as server:
        async with scripted(proxy) as between:
            address = Secret(f"http://127.0.0.1:{between.port}")
            settings = towards(server, authority, good, proxy=address)
            sender = sender_for("httpcore2", settings)
            assert await read(await sender.send(GET)) == b"fine"
            await sender.aclose()
            sender = sender_for("httpcore2", replace(settings, tls=None))
            with pytest.raises(CertificateRefused, match="requires a client certificate"):
                await sender.send(GET)
            await sender.aclose()
        assert server.names == ["good"]
    assert tunnels == [f"localhost:{server.port}"] * 2


async def test_a_renewed_certificate_is_shown_after_a_reload(authority: Authority) -> None:
    pair = authority.issued("renewed")
    with mutual_server(authority.context()) as server:
        settings = Settings((towards(server, authority, pair.settings),))
        first = Upstreams(settings)
        same = Upstreams(settings, before=first)
        assert same.reached == first.reached

        async def names(upstreams: Upstreams, asked: UpstreamCall = GET) -> list[str]:
            assert await read(await upstreams.send(asked)) == b"fine"
            return server.names

        assert await names(first) == ["renewed"]
        new = authority.issued("new")
        pair.certificate.write_bytes(new.certificate.read_bytes())
        with pytest.raises(ValueError, match="upstream 'local': tls: the key does not belong"):
            Upstreams(settings, before=first)
        pair.key.write_bytes(new.key.read_bytes())
        second = Upstreams(settings, before=first)
        assert await names(first) == ["renewed"]
        await first.aclose(besides=second)
        assert await names(second) == ["renewed", "new"]
        await second.aclose()


def test_only_an_alert_about_a_certificate_refuses_one() -> None:
    for error in (None, OSError(), ssl.SSLError(1, "bad record"), ssl.SSLCertVerificationError(1)):
        assert certificate_refused("local", error) is None


@pytest.mark.parametrize(
    ("reason", "why"),
    [
        ("NO_SHARED_CIPHER", "the TLS handshake failed (NO_SHARED_CIPHER)"),
        (None, "the TLS handshake failed (no reason given)"),
        (
            "WRONG_VERSION_NUMBER",
            (
                "the TLS handshake failed (WRONG_VERSION_NUMBER); it seems to speak no TLS there: "
                "its base_url may have to begin with http://"
            ),
        ),
    ],
)
def test_a_failed_handshake_has_openssls_word(reason: str | None, why: str) -> None:
    error = ssl.SSLError(1, "x")
    error.reason = reason  # type: ignore[assignment]
    assert failed_handshake(error) == why
