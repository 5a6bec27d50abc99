"""TLS towards clients: what a context takes, and what is wrong with a certificate."""

import ssl
from pathlib import Path

import pytest

from gateway.config.settings import TlsSettings
from gateway.server.tls import doubts, server_context
from tests.certificates import make_pair


def test_without_settings_there_is_no_tls() -> None:
    assert server_context(None) is None
    assert doubts(None) == []


def test_a_context_speaks_todays_tls_and_http_1_1(tmp_path: Path) -> None:
    pair = make_pair(tmp_path)
    context = server_context(pair.settings)
    assert context is not None
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert doubts(pair.settings) == []


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    one, other = make_pair(tmp_path, "one"), make_pair(tmp_path, "other")
    rsa = make_pair(tmp_path, "rsa", bits=2048)
    encrypted = make_pair(tmp_path, "encrypted", password=b"secret")
    broken, short = tmp_path / "broken.pem", make_pair(tmp_path, "short", bits=1024)
    broken.write_text("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n")
    (tmp_path / "none.pem").write_text("")

    def reason(certificate: Path, key: Path) -> str:
        with pytest.raises(ValueError, match=r"^server\.tls: ") as raised:
            server_context(TlsSettings(str(certificate), str(key)))
        return str(raised.value)

    assert "the key does not belong to the first certificate" in reason(one.certificate, other.key)
    assert "the key does not belong to the first certificate" in reason(one.certificate, rsa.key)
    assert "the key is encrypted" in reason(encrypted.certificate, encrypted.key)
    assert "must be intact PEM files" in reason(tmp_path / "none.pem", one.key)
    assert "too short" in reason(short.certificate, short.key)
    assert "No such file" in reason(tmp_path / "gone.pem", one.key)
    assert "must be intact PEM files" in reason(broken, one.key)
    assert doubts(TlsSettings(str(broken), str(one.key))) == []


def test_a_certificate_out_of_its_time_is_doubtful(tmp_path: Path) -> None:
    (old,) = doubts(make_pair(tmp_path, "old", valid=(-9, -1)).settings)
    assert "server.tls.certificate: expired on " in old
    (new,) = doubts(make_pair(tmp_path, "new", valid=(2, 9)).settings)
    assert "is not valid before " in new


def test_the_first_certificate_of_a_chain_is_the_one_in_doubt(tmp_path: Path) -> None:
    authority = make_pair(tmp_path, "authority")
    for valid, doubtful in (((-9, -1), 1), ((-1, 9), 0)):
        issued = make_pair(tmp_path, "issued", valid=valid, issuer=authority)
        issued.certificate.write_bytes(
            issued.certificate.read_bytes() + authority.certificate.read_bytes()
        )
        assert len(doubts(issued.settings)) == doubtful
