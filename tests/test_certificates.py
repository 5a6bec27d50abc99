"""A certificate and its key: what cannot be used, and what is not valid now."""

import ssl
from pathlib import Path

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from gateway.certificates import bundle_refusal, doubts, load_certificate, refusal
from gateway.config.settings import TlsSettings
from tests.certificates import make_pair

SERVER, CLIENT = ("server.tls", False), ("upstreams.a.tls", True)


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    one, other = make_pair(tmp_path, "one"), make_pair(tmp_path, "other")
    rsa = make_pair(tmp_path, "rsa", bits=2048)
    encrypted = make_pair(tmp_path, "encrypted", password=b"secret")
    broken, short = tmp_path / "broken.pem", make_pair(tmp_path, "short", bits=1024)
    broken.write_text("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n")
    (tmp_path / "none.pem").write_text("")

    def reason(certificate: Path, key: Path) -> str:
        tls = TlsSettings(str(certificate), str(key))
        for kind in (ssl.PROTOCOL_TLS_SERVER, ssl.PROTOCOL_TLS_CLIENT):
            with pytest.raises(ValueError) as raised:  # noqa: PT011 - its text is compared
                load_certificate(ssl.SSLContext(kind), tls)
            assert str(raised.value) == refusal(tls)
        assert doubts(tls, "tls", is_client=False) == doubts(tls, "tls", is_client=True) == []
        return refusal(tls)

    assert "the key does not belong to the first certificate" in reason(one.certificate, other.key)
    assert "the key does not belong to the first certificate" in reason(one.certificate, rsa.key)
    assert "the key is encrypted" in reason(encrypted.certificate, encrypted.key)
    assert "must be intact PEM files" in reason(tmp_path / "none.pem", one.key)
    assert "too short" in reason(short.certificate, short.key)
    assert "No such file" in reason(tmp_path / "gone.pem", one.key)
    assert "must be intact PEM files" in reason(broken, one.key)
    assert refusal(one.settings) == ""


@pytest.mark.parametrize(("key", "is_client"), [SERVER, CLIENT])
def test_a_certificate_out_of_its_time_is_doubtful(
    tmp_path: Path, key: str, is_client: bool
) -> None:
    usage = ExtendedKeyUsageOID.CLIENT_AUTH if is_client else ExtendedKeyUsageOID.SERVER_AUTH

    def found(name: str, valid: tuple[int, int], *, usages: bool) -> list[str]:
        pair = make_pair(tmp_path, name, valid=valid, usages=[usage] if usages else [])
        return doubts(pair.settings, key, is_client=is_client)

    for usages in (False, True):
        (old,) = found("old", (-9, -1), usages=usages)
        assert f"{key}.certificate: expired on " in old
        refuse = "the upstream refuses it" if is_client else "clients refuse it"
        assert old.endswith(refuse)
        (new,) = found("new", (2, 9), usages=usages)
        assert f"{key}.certificate: is not valid before " in new
        assert found("good", (-1, 2), usages=usages) == []


@pytest.mark.parametrize(("key", "is_client"), [SERVER, CLIENT])
def test_the_first_certificate_of_a_chain_is_the_one_in_doubt(
    tmp_path: Path, key: str, is_client: bool
) -> None:
    authority = make_pair(tmp_path, "authority")
    for valid, doubtful in (((-9, -1), 1), ((-1, 9), 0)):
        issued = make_pair(tmp_path, "issued", valid=valid, issuer=authority)
        issued.certificate.write_bytes(
            issued.certificate.read_bytes() + authority.certificate.read_bytes()
        )
        assert len(doubts(issued.settings, key, is_client=is_client)) == doubtful


def test_a_bundle_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    broken = tmp_path / "broken.pem"
    broken.write_text("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n")
    assert "must be intact" in bundle_refusal(str(broken))
    assert "No such file" in bundle_refusal(str(tmp_path / "gone.pem"))
    assert bundle_refusal(str(make_pair(tmp_path, "one").certificate)) == ""
