"""TLS towards clients: what a listener's context is like."""

import ssl
from pathlib import Path

import pytest

from gateway.config.settings import TlsSettings
from gateway.server.tls import server_context
from tests.certificates import make_pair


def test_without_settings_there_is_no_tls() -> None:
    assert server_context(None) is None


def test_a_context_speaks_todays_tls_and_http_1_1(tmp_path: Path) -> None:
    pair = make_pair(tmp_path)
    context = server_context(pair.settings)
    assert context is not None
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2


def test_what_is_wrong_is_said_with_its_place(tmp_path: Path) -> None:
    one, other = make_pair(tmp_path, "one"), make_pair(tmp_path, "other")
    with pytest.raises(ValueError, match=r"^server\.tls: the key does not belong to the first"):
        server_context(TlsSettings(str(one.certificate), str(other.key)))
