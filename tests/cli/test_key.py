"""Keys for the gateway's own clients: what `gateway key new` prints is a key and its digest."""

import hashlib
from pathlib import Path

import yaml
from click.testing import CliRunner

from gateway import cli
from gateway.api.access import Access
from gateway.cli.key import digest_of, new_key
from tests.config.configuring import loaded


def printed() -> dict[str, str]:
    result = CliRunner().invoke(cli.main, ["key", "new"])
    assert result.exit_code == 0
    lines: dict[str, str] = yaml.safe_load(result.output)
    return lines


def test_a_new_key_is_printed_with_its_digest() -> None:
    lines = printed()
    assert list(lines) == ["key", "key_sha256"]
    assert lines["key_sha256"] == hashlib.sha256(lines["key"].encode()).hexdigest()
    assert lines["key"].startswith("gw-")
    assert len(lines["key"]) == 46


def test_every_key_is_another_one() -> None:
    assert len({new_key() for _ in range(100)}) == 100


def test_the_printed_digest_admits_the_key_and_the_old_one_until_it_is_removed(
    tmp_path: Path,
) -> None:
    lines, old = printed(), "gw-old"
    settings = loaded(
        tmp_path,
        f"""
upstreams: {{openai: {{api_key: k}}}}
clients:
  - name: team-a
    key_sha256: [{digest_of(old)}, {lines["key_sha256"]}]
""",
    )
    access = Access(settings.clients)
    for presented in (old, lines["key"]):
        client = access.client(((b"authorization", b"Bearer " + presented.encode()),))
        assert client is settings.clients[0]
