"""Where findings and responses are stored: no setting shows a password."""

from pathlib import Path

from gateway.config.secret import Secret
from gateway.config.store_settings import is_redis
from tests.config.configuring import loaded

SECRET = f"secret: {'s' * 32}\n"


def test_no_setting_shows_the_credentials_of_a_url(tmp_path: Path) -> None:
    settings = loaded(
        tmp_path,
        f"{SECRET}memory: {{url: 'redis://u:canary@h:1/2'}}\n"
        "responses: {store: 'redis://:canary@h'}",
    )
    assert settings.memory.url == "redis://h:1/2"
    assert settings.memory.credentials == Secret("u:canary")
    assert settings.responses.store == "redis://h"
    assert settings.responses.credentials == Secret(":canary")
    assert "canary" not in repr(settings)


def test_a_path_starts_in_the_folder_of_the_file(tmp_path: Path) -> None:
    settings = loaded(tmp_path, SECRET + "memory: {url: sqlite:///m.sqlite}")
    assert settings.memory.url == f"sqlite:///{tmp_path}/m.sqlite"


def test_a_server_is_known_by_the_scheme_of_its_url() -> None:
    assert is_redis("redis://h:6379/0")
    assert is_redis("rediss://h")
    assert not any(map(is_redis, ("memory://", "sqlite:///redis://", None)))
