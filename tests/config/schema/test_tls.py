"""A certificate and its key, as a configuration names them."""

from pathlib import Path

import pytest

from tests.certificates import make_pair
from tests.config.configuring import check_refusal, loaded


def test_tls_takes_the_files_beside_the_configuration(tmp_path: Path) -> None:
    pair = make_pair(tmp_path)
    text = "server: {tls: {certificate: gateway.pem, key: gateway-key.pem}}"
    assert loaded(tmp_path, text).server.tls == pair.settings
    variables = {
        "GATEWAY_SERVER__TLS__CERTIFICATE": str(pair.certificate),
        "GATEWAY_SERVER__TLS__KEY": str(pair.key),
    }
    assert loaded(tmp_path, "server: {}", variables).server.tls == pair.settings
    for off in ("null", "{}", "{certificate: null, key: null}"):
        assert loaded(tmp_path, f"server: {{tls: {off}}}").server.tls is None


def test_an_upstream_has_a_certificate_of_its_own(tmp_path: Path) -> None:
    pair = make_pair(tmp_path)
    files = "certificate: gateway.pem, key: gateway-key.pem"
    text = "upstreams: {a: {base_url: 'https://a/v1', tls: {FILES}}, b: {base_url: 'https://b/v1'}}"
    settings = loaded(tmp_path, text.replace("FILES", files))
    assert [each.tls for each in settings.upstreams] == [pair.settings, None]
    assert settings.certificates == {("upstreams", "a", "tls"): pair.settings}
    variables = {
        "GATEWAY_UPSTREAMS__B__TLS__CERTIFICATE": str(pair.certificate),
        "GATEWAY_UPSTREAMS__B__TLS__KEY": str(pair.key),
    }
    settings = loaded(tmp_path, text.replace("{FILES}", "null"), variables)
    assert [each.tls for each in settings.upstreams] == [None, pair.settings]


@pytest.mark.parametrize(
    ("tls", "problem"),
    [
        ("{certificate: gateway.pem}", "server.tls: needs both a certificate and a key"),
        ("{key: gateway-key.pem}", "server.tls: needs both a certificate and a key"),
        (
            "{certificate: gone.pem, key: gateway-key.pem}",
            "server.tls.certificate: names a file that cannot be read: No such file or directory",
        ),
        (
            "{certificate: gateway.pem, key: ''}",
            "server.tls.key: names a file that cannot be read: its path is empty; write one",
        ),
        (
            "{certificate: gateway-key.pem, key: gateway-key.pem}",
            "server.tls.certificate: names a file without a certificate in PEM form",
        ),
        (
            "{certificate: gateway.pem, key: gateway.pem}",
            "server.tls.key: names a file without a private key in PEM form",
        ),
        (r'{certificate: "a\0b", key: gateway-key.pem}', "no file can have this path"),
    ],
)
def test_what_is_wrong_with_a_certificates_files(tmp_path: Path, tls: str, problem: str) -> None:
    make_pair(tmp_path)
    check_refusal(tmp_path, f"server: {{tls: {tls}}}", problem)
    upstream = f"upstreams: {{a: {{base_url: 'https://a/v1', tls: {tls}}}}}"
    check_refusal(tmp_path, upstream, problem.replace("server.tls", "upstreams.a.tls"))
