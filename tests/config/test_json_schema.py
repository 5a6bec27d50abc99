import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from gateway.config.json_schema import write_json_schema
from gateway.config.reading.document import read_document
from gateway.config.reading.files import Files
from gateway.config.schema.configuration import GatewayConfig
from tests.config.configuring import refused

DEFAULT = Path(__file__).parents[2] / "config.yaml"
VALIDATOR = jsonschema.Draft202012Validator(write_json_schema())


def test_the_schema_is_a_schema_and_json() -> None:
    schema = write_json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    assert json.loads(json.dumps(schema)) == schema


def test_the_default_configuration_conforms() -> None:
    VALIDATOR.validate(read_document(DEFAULT, Files()).data)


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"server": None, "models": None},
        {"server": {"port": "${PORT:-8080}", "allow_anonymous": "${OPEN}"}},
        {"log": {"level": "${LEVEL}", "format": "json"}},
        {"upstreams": {"openai": None}},
        {"upstreams": {"openai": {"api_key": "${KEY}"}}},
        {"upstreams": {"a": {"base_url": "http://a", "kind": "${KIND}", "verify": "ca.pem"}}},
        {"upstreams": {"a": {"base_url": ["http://a/v1", "http://b/v1"]}}},
        {"models": {"a": "b", "c": {"endpoint": "chat"}, "d": {"endpoint": ["chat"]}}},
        {"models": {"a": {"template": "raw"}, "b": {"template": {"path": "x", "stop": "y"}}}},
        {"models": {"a": {"params": {"default": {"temperature": 0}, "drop": "user"}}}},
        {"clients": [{"name": "a", "key_sha256": "0" * 64}]},
        {"clients": [{"name": "a", "key_sha256": ["0" * 64, "1" * 64]}]},
    ],
)
def test_what_load_takes_conforms(data: dict[str, Any]) -> None:
    VALIDATOR.validate(data)


@pytest.mark.parametrize(
    "data",
    [
        {"upstream": {}},
        {"server": {"prot": 1}},
        {"server": {"port": 70000}},
        {"server": {"port": "eighty"}},
        {"upstreams": {}},
        {"upstreams": None},
        {"upstreams": {"a": {}}},
        {"upstreams": {"a": {"base_url": [3]}}},
        {"upstreams": {"openai": {"kind": "vlm"}}},
        {"models": {"a": {"endpoint": "cht"}}},
        {"models": {"a": {"template": "nope"}}},
        {"models": {"a": {"template": {}}}},
        {"models": {"a": {"max_fanout": 0}}},
        {"clients": [{"name": "a"}]},
        {"log": {"level": "loud"}},
    ],
)
def test_what_the_schema_refuses_load_refuses_too(tmp_path: Path, data: dict[str, Any]) -> None:
    assert not VALIDATOR.is_valid(data)
    assert refused(tmp_path, json.dumps(data)) != []


def test_every_key_has_a_description() -> None:
    definitions = write_json_schema()["$defs"]
    for name, definition in definitions.items():
        for key, schema in definition.get("properties", {}).items():
            assert "description" in json.dumps(schema), f"{name}.{key}"


def test_no_key_is_lost() -> None:
    """Also not one that is called as a word of JSON Schema: `default`, `format`."""
    schema, plain = write_json_schema(), GatewayConfig.model_json_schema()
    assert schema["properties"].keys() == plain["properties"].keys()
    for name, definition in plain["$defs"].items():
        kept = schema["$defs"][name].get("properties", {})
        assert kept.keys() == definition.get("properties", {}).keys(), name


def test_a_rules_translation_has_no_default_of_its_own() -> None:
    definitions = write_json_schema()["$defs"]
    assert "default" not in definitions["ModelConfig"]["properties"]["max_fanout"]
    assert definitions["TranslationConfig"]["properties"]["max_fanout"]["default"] == 256
