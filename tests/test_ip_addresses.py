"""Which hosts are IP addresses."""

from ipaddress import ip_address

import pytest

from gateway.ip_addresses import as_ip, is_ip


@pytest.mark.parametrize(
    ("host", "is_one"),
    [
        *(("10.0.0.1", True), ("::1", True), ("::ffff:10.0.0.1", True)),
        *(("[::1]", False), ("10.0.0", False), ("a.example", False), ("", False)),
        *((b"\x0a\x00\x00\x01", False), (1, False), (None, False)),
    ],
)
def test_an_ip_address_is_told_from_a_name(host: object, *, is_one: bool) -> None:
    assert is_ip(host) is is_one


def test_an_address_of_version_4_is_one_however_it_is_written() -> None:
    assert as_ip("::ffff:10.0.0.1") == as_ip("10.0.0.1") == ip_address("10.0.0.1")
