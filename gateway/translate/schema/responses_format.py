"""The check of the output format of responses: of a request, and of an update within its input."""

from dataclasses import dataclass

from gateway.shapes import Json
from gateway.translate.schema.checks import Boolean, Mapping, OneOf, Record, String

_FORMAT = Record({"type": OneOf("text", "json_object", "json_schema")}, required=("type",))
_JSON_SCHEMA = Record(
    {"name": String(), "description": String(), "schema": Mapping(), "strict": Boolean()},
    required=("name", "schema"),
)


@dataclass(frozen=True, slots=True)
class Format:
    """The output format of `text`."""

    def accept(self, value: object, param: str) -> Json:
        """Return a copy without null fields; raises `InvalidRequest` with the path of the fault."""
        form: Json = _FORMAT.accept(value, param)
        if form["type"] == "json_schema":
            form = _JSON_SCHEMA.accept(form, param)
        return form
