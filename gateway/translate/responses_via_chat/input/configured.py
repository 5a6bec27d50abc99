"""Updates of the configuration within the input, applied to the parameters of the request.

A client that leaves its parameters unchanged, for the sake of the prompt cache, puts into the input
what it wants from then on. The last update outweighs earlier ones, and the parameter.
"""

from gateway.shapes import Json
from gateway.translate.contract import Context, Report
from gateway.translate.schema.responses_input import (
    CONFIGURED_REASONING,
    CONFIGURED_TEXT,
    ITEMS,
)
from gateway.translate.schema.unknown_fields import carry_unknown

UPDATE = "configuration_update"
_SECTIONS = {"reasoning": CONFIGURED_REASONING, "text": CONFIGURED_TEXT}


def configured(client: Json, context: Context, report: Report) -> Json:
    """Return a checked request with the settings that are in effect after its input."""
    given = client.get("input")
    for position, item in enumerate(given if isinstance(given, list) else ()):
        if item["type"] == UPDATE:
            path = f"input[{position}]"
            report.emulate(path)
            _report_unknown(item, path, context, report)
            client = {**client, **_updated(client, item)}
    return client


def _updated(client: Json, item: Json) -> Json:
    """Return the parameters that an item changes."""
    changes = {
        section: {name: item[section][name] for name in known.fields if name in item[section]}
        for section, known in _SECTIONS.items()
        if section in item
    }
    return {
        section: {**client.get(section, {}), **change}
        for section, change in changes.items()
        if change
    }


def _report_unknown(item: Json, path: str, context: Context, report: Report) -> None:
    carry_unknown(item, ITEMS[UPDATE], path, context, report)
    for section, known in _SECTIONS.items():
        carry_unknown(item.get(section, {}), known, f"{path}.{section}", context, report)
