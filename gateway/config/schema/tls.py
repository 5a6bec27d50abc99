"""A certificate and its key: the gateway's own, towards clients or towards an upstream."""

from pydantic import Field, model_validator

from gateway.config.checks.problems import InvalidValue
from gateway.config.schema import file_values
from gateway.config.schema.base import BaseConfig
from gateway.config.settings import TlsSettings


class TlsConfig(BaseConfig):
    """TLS towards clients, at the client-facing listener."""

    certificate: file_values.Certificate | None = Field(
        default=None,
        description="PEM file with the certificate and those between it and a CA; TLS is on if it "
        "is set.",
    )
    key: file_values.PrivateKey | None = Field(
        default=None, description="PEM file with the certificate's private key, not encrypted."
    )

    @model_validator(mode="after")
    def _both_or_none(self) -> "TlsConfig":
        if (self.certificate is None) != (self.key is None):
            raise InvalidValue("needs both a certificate and a key", "add the other, or remove it")
        return self

    def used(self) -> TlsSettings | None:
        """Return the settings; None without a certificate."""
        if self.certificate is None or self.key is None:
            return None
        return TlsSettings(self.certificate, self.key)


class ClientTlsConfig(TlsConfig):
    """What the gateway proves its identity with to an upstream that asks for it (mutual TLS)."""

    certificate: file_values.Certificate | None = Field(
        default=None,
        description="PEM file with a client certificate, and those between it and a CA, for "
        "servers that ask for one (mutual TLS).",
    )
