import pytest
from pydantic import ValidationError

from gateway.config.schema.configuration import SECTIONS, GatewayConfig, fields_at, key_paths


def test_the_keys_of_a_mapping_are_found_by_its_path() -> None:
    assert tuple(fields_at(())) == SECTIONS
    assert "port" in fields_at(("server",))
    assert "base_url" in fields_at(("upstreams", "any"))
    assert "connect" in fields_at(("upstreams", "any", "timeouts"))
    assert "key_sha256" in fields_at(("clients", 0))
    assert "separator" in fields_at(("models", "a*", "template"))


def test_a_path_to_anything_else_has_no_keys() -> None:
    for path in (
        (("upstreams",)),
        ("server", "port"),
        ("no", "such"),
        ("upstreams", "a", "headers"),
    ):
        assert fields_at(path) == {}


def test_every_key_is_listed_once_and_can_be_found() -> None:
    paths = list(key_paths())
    assert len(paths) == len(set(paths))
    assert ("upstreams", "*", "timeouts", "connect") in paths
    assert ("clients", 0, "name") in paths
    for path in paths:
        assert path[-1] in fields_at(path[:-1])


def test_a_configuration_that_is_not_a_mapping_is_refused() -> None:
    with pytest.raises(ValidationError):
        GatewayConfig.model_validate(3)
