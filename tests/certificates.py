"""Certificates for tests: self-signed, for this machine, made with `cryptography`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from gateway.config.settings import TlsSettings

LOCALHOST = x509.DNSName("localhost")
THIS_MACHINE = (LOCALHOST, x509.IPAddress(ip_address("127.0.0.1")))

_USAGE = x509.KeyUsage(
    digital_signature=True,
    key_cert_sign=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)
"""From Python 3.13 on, a certificate that issues others, or itself, must say so."""


@dataclass(frozen=True)
class Pair:
    """PEM files of a certificate and its key."""

    certificate: Path
    key: Path

    @property
    def settings(self) -> TlsSettings:
        return TlsSettings(str(self.certificate), str(self.key))


def make_pair(
    folder: Path,
    name: str = "gateway",
    *,
    valid: tuple[int, int] = (-1, 2),
    password: bytes | None = None,
    bits: int = 0,
    issuer: Pair | None = None,
    names: Sequence[x509.GeneralName] = THIS_MACHINE,
    usages: Sequence[x509.ObjectIdentifier] = (),
) -> Pair:
    """Make a pair, valid from and to these days from now; `bits` are those of an RSA key.

    Without an issuer, the certificate is its own. Without `usages` (of its key), it is for any.
    """
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
    key = rsa.generate_private_key(65537, bits) if bits else ec.generate_private_key(ec.SECP256R1())
    now, subject = datetime.now(UTC), x509.Name.from_rfc4514_string(f"CN={name}")
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if issuer is None else _issuer_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=valid[0]))
        .not_valid_after(now + timedelta(days=valid[1]))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(_USAGE, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if usages:
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
    certificate = builder.sign(key if issuer is None else _signing_key(issuer), hashes.SHA256())
    pair = Pair(folder / f"{name}.pem", folder / f"{name}-key.pem")
    pair.certificate.write_bytes(certificate.public_bytes(Encoding.PEM))
    cipher = NoEncryption() if password is None else BestAvailableEncryption(password)
    pair.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, cipher))
    return pair


def _issuer_name(issuer: Pair) -> x509.Name:
    return x509.load_pem_x509_certificate(issuer.certificate.read_bytes()).subject


def _signing_key(issuer: Pair) -> ec.EllipticCurvePrivateKey:
    key = load_pem_private_key(issuer.key.read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key
