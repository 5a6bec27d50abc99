"""Content parts of chat and of responses: which types a place allows, and the fields of each."""

from collections import abc
from dataclasses import dataclass

from gateway.shapes import Json
from gateway.translate.schema.checks import Check, Mapping, OneOf, Record, String
from gateway.translate.schema.native_types import JsonType, tagged, type_of

MARK: abc.Mapping[str, Check] = {"type": String(), "prompt_cache_breakpoint": Mapping()}
"""The fields of parts that may mark where the cached beginning of a prompt ends."""


@dataclass(frozen=True, slots=True)
class Part:
    """A content part of a type that its place allows; `records` has the fields by type."""

    records: abc.Mapping[str, Record]
    typed: Record

    def accept(self, value: object, param: str) -> Json:
        """Return the part; raises `InvalidRequest` naming `param`."""
        part: Json = self.typed.accept(value, param)
        checked: Json = self.records[part["type"]].accept(part, param)
        return checked


def part_of(records: abc.Mapping[str, Record], *types: str) -> Part:
    """Return the check of a part that is of one of the types; `records` may have others."""
    allowed = {name: records[name] for name in types}
    return Part(allowed, Record({"type": OneOf(*types)}, required=("type",)))


@type_of.register
def _(check: Part) -> JsonType:
    return tagged(check.records)
