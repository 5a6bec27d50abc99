"""What all mappings of the schema have in common."""

import pytest
from pydantic import ValidationError

from gateway.config.schema.base import BaseConfig
from gateway.config.schema.configuration import GatewayConfig


def test_a_validation_without_a_context_is_a_programming_error() -> None:
    data = {"models": {"a": {"upstream": "openai"}}}
    with pytest.raises(TypeError, match="validate with context"):
        GatewayConfig.model_validate(data)


def test_the_configuration_as_written_masks_its_secrets() -> None:
    data = {"upstreams": {"openai": {"api_key": "sk-canary", "headers": {"x-a": "canary"}}}}
    assert "canary" not in repr(GatewayConfig.model_validate(data))


class _Section(BaseConfig):
    seconds: float = 1.0


@pytest.mark.parametrize("data", [{"canary": 1}, {"seconds": "canary"}, {"seconds": float("inf")}])
def test_a_wrong_mapping_is_refused_without_its_values(data: dict[str, object]) -> None:
    with pytest.raises(ValidationError) as caught:
        _Section.model_validate(data)
    assert "input_value" not in str(caught.value)


def test_a_mapping_is_not_changed_once_it_is_read() -> None:
    section = _Section(seconds=2.0)
    with pytest.raises(ValidationError):
        section.seconds = 3.0
    assert section.seconds == 2.0
