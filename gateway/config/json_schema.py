"""The JSON Schema of a configuration file, for editors, generated from the schema."""

from typing import Any

from gateway.config.schema.configuration import GatewayConfig
from gateway.config.schema.models import TranslationConfig

TITLE = "Configuration of endpoint-gateway"

_REFERENCE = {"$ref": "#/$defs/Reference"}
_NAMED = frozenset({"properties", "$defs"})
_SCALAR_TYPES = frozenset({"integer", "number", "boolean"})


def write_json_schema() -> dict[str, Any]:
    """Return the schema (JSON Schema 2020-12) that a configuration file conforms to.

    It allows the short forms, and `${VAR}` in place of a number, a boolean or a choice. Only `load`
    checks what is beyond one value, such as whether a file or an upstream exists.
    """
    schema = _with_references(GatewayConfig.model_json_schema())
    definitions: dict[str, Any] = schema["$defs"]
    definitions["Reference"] = {
        "type": "string",
        "pattern": r"\$\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\}",
        "description": "A value from the environment: ${VAR} or ${VAR:-default}.",
    }
    _relax_root(schema, definitions)
    _relax_rules(definitions)
    about = {"title": TITLE, "description": "Every key is optional."}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, **about}


def _with_references(node: Any) -> Any:
    """Return a copy in which `${VAR}` is allowed in place of numbers, booleans and choices."""
    if isinstance(node, list):
        return [_with_references(item) for item in node]
    if not isinstance(node, dict):
        return node
    copy = {
        # The keys in these two mappings are our own names, not keywords of JSON Schema.
        key: {name: _with_references(inner) for name, inner in value.items()}
        if key in _NAMED
        else _with_references(value)
        for key, value in node.items()
        if _is_kept(key, value)
    }
    if copy.get("type") in _SCALAR_TYPES or "enum" in copy:
        about = {key: copy.pop(key) for key in ("title", "description", "default") if key in copy}
        return {**about, "anyOf": [copy, _REFERENCE]}
    return copy


def _is_kept(key: str, value: Any) -> bool:
    # The default of a mapping repeats those of its keys; "format" is for forms.
    repeats = key == "default" and isinstance(value, dict)
    return not repeats and not (key == "format" and isinstance(value, str))


def _text_or(schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"anyOf": [{"type": "string", "description": description}, schema]}


def _relax_root(schema: dict[str, Any], definitions: dict[str, Any]) -> None:
    del schema["required"]
    properties = schema["properties"]
    properties["models"]["additionalProperties"] = _text_or(
        properties["models"]["additionalProperties"], "The name sent upstream."
    )
    for name in set(properties) - {"upstreams"}:
        properties[name] = {"anyOf": [{"type": "null"}, properties[name]]}
    addresses = definitions["UpstreamConfig"]["properties"]["base_url"]
    definitions["UpstreamConfig"]["properties"]["base_url"] = {
        "description": addresses.pop("description"),
        "anyOf": [{"type": "string", "description": "The only address."}, addresses],
    }
    openai = {key: v for key, v in definitions["UpstreamConfig"].items() if key != "required"}
    definitions["OpenaiConfig"] = {"anyOf": [{"type": "null"}, openai]}
    properties["upstreams"]["properties"] = {"openai": {"$ref": "#/$defs/OpenaiConfig"}}


def _relax_rules(definitions: dict[str, Any]) -> None:
    definitions["Shape"]["description"] = "An endpoint."
    rule = definitions["ModelConfig"]["properties"]
    for name in TranslationConfig.model_fields:
        # If absent, the value of `translation:` applies.
        rule[name].pop("default", None)
    rule["endpoint"]["anyOf"].insert(0, {"$ref": "#/$defs/Shape"})
    template = definitions["TemplateConfig"]
    rule["template"]["anyOf"].insert(0, template["properties"]["name"])
    template["anyOf"] = [{"required": ["name"]}, {"required": ["path"]}]
    del template["required"]
    server = definitions["ServerConfig"]["properties"]
    server["cors_origins"] = _text_or(server["cors_origins"], "The only origin.")
    client = definitions["ClientConfig"]["properties"]
    client["key_sha256"] = _text_or(client["key_sha256"], "The SHA-256 of its only key.")
    params = definitions["ParamsConfig"]["properties"]
    params["drop"] = _text_or(params["drop"], "The only parameter.")
    stop = template["properties"]["stop"]
    template["properties"]["stop"] = _text_or(stop, "The only stop sequence.")
