"""Parameters that a model's rule sets, fills in or drops (`models.NAME.params`).

They are parameters of the client's request (`param_names.py` has their names in its shape), changed
before anything else looks at it.
"""

from collections.abc import Collection, Mapping
from typing import Any

import msgspec
from msgspec import structs

from gateway.errors import GatewayError
from gateway.exchange.bodies.json_label import labelled_json
from gateway.exchange.bodies.request_fields import Routed, decode_field, decode_fields, read_routed
from gateway.exchange.decision import Decision
from gateway.exchange.params.shape_params import LIMITS, in_shape
from gateway.request import GenerationRequest, Request
from gateway.resolve.rules import Rules
from gateway.shapes import Shape
from gateway.translate.contract import Report
from gateway.translate.report_entries import listed

_CHOICES = frozenset(
    {"effort", "reasoning_effort", "service_tier", "summary", "truncation", "type", "verbosity"}
)
"""Parameters whose values are one of a few words, and may be seen in headers and logs."""


_COUNTED: Mapping[Shape, Collection[str]] = {
    Shape.MESSAGES: (
        *("context_management", "mcp_servers", "output_config", "output_format", "system"),
        *("thinking", "tool_choice", "tools"),
    ),
    Shape.RESPONSES: (
        *("instructions", "parallel_tool_calls", "reasoning", "text", "tool_choice", "tools"),
        "truncation",
    ),
}
"""The parameters that requests to count tokens share with those to generate."""


class RuleParams:
    """Changes the requests for models whose rules have `params`."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._by_shape = {
            (id(params), shape): in_shape(params, shape)
            for params in rules.params
            for shape in Shape
        }
        self.any = bool(self._by_shape)
        """Whether any rule has `params`; if none does, no request needs to be looked at."""

    def report_on(
        self, call: GenerationRequest, model: str, only: Collection[str] | None = None
    ) -> tuple[GenerationRequest, Report]:
        """Return the request with the parameters of its model's rule, and what has changed.

        `only` are the parameters that it can have; None: all.
        """
        report = Report(call.shape, call.shape)
        params = self._rules.params_for(model)
        if params is None:
            return call, report
        fields = _Fields(decode_fields(call.body), report)
        own = self._by_shape[id(params), call.shape]
        for path in own.drop:
            if only is None or path.partition(".")[0] in only:
                fields.drop(path)
        for override, values in ((False, own.default), (True, own.set)):
            for name, value in values.items():
                if only is None or name in only:
                    fields.put(name, value, override=override)
        if not report.size:
            return call, report
        body, headers = msgspec.json.encode(fields.raw), labelled_json(call.headers)
        return structs.replace(call, body=body, headers=headers), report

    def applied(
        self, call: GenerationRequest, routed: Routed, model: str, decision: Decision
    ) -> tuple[GenerationRequest, Routed]:
        """Return the request with the parameters of its model's rule, and what routing needs of it.

        The decision gets the report. Raises `InvalidRequest` for a body that is not JSON.
        """
        changed, report = self.report_on(call, model)
        if not report.size:
            return call, routed
        decision.params = report
        return changed, read_routed(changed.body)

    def counted(self, request: Request, shape: Shape, model: str, decision: Decision) -> Request:
        """Return a request to count tokens with the parameters of its model's rule.

        So it counts the request that would be sent. The decision gets the report. Raises
        `InvalidRequest` for a body that is not JSON.
        """
        if not (self.any and isinstance(request.body, bytes)):
            return request
        call = GenerationRequest.at(shape, request.body, request.headers)
        changed, report = self.report_on(call, model, _COUNTED[shape])
        if not report.size:
            return request
        decision.params = report
        decision.translation = with_params(decision.translation, report, shape)
        return structs.replace(request, body=changed.body, headers=changed.headers, length=None)


class _Fields:
    """The fields of a request's body; only those that are changed are decoded."""

    def __init__(self, raw: dict[str, msgspec.Raw], report: Report) -> None:
        self.raw = raw
        self._report = report

    def drop(self, path: str) -> None:
        """Remove a parameter, if it is there."""
        name, *inner = path.split(".")
        if name not in self.raw:
            return
        if not inner:
            del self.raw[name]
            self._report.drop(path)
            return
        whole = self._value(name)
        holder = whole
        for part in inner[:-1]:
            holder = holder.get(part) if isinstance(holder, dict) else None
        if isinstance(holder, dict) and inner[-1] in holder:
            del holder[inner[-1]]
            self.raw[name] = _encoded(whole)
            self._report.drop(path)

    def put(self, name: str, value: Any, *, override: bool) -> None:
        """Set a parameter; with `override` False, only where the client has left it out."""
        if name == "stream_options" and self._value("stream") is not True:
            return
        limits = LIMITS[self._report.source]
        others = [other for other in limits if other != name] if name in limits else []
        if not override and any(self._value(other) is not None for other in others):
            return
        for other in others:
            self.drop(other)
        given = self._value(name)
        merged = self._merged(given, value, name, override=override)
        if merged is not given:
            self.raw[name] = _encoded(merged)

    def _value(self, name: str) -> Any:
        return decode_field(self.raw.get(name, msgspec.Raw()), name)

    def _merged(self, given: Any, value: Any, path: str, *, override: bool) -> Any:
        """Return the value to send: objects are merged, unless they have different types."""
        if isinstance(value, dict) and value and _are_alike(given, value):
            known = given or {}
            merged = {
                key: self._merged(known.get(key), inner, f"{path}.{key}", override=override)
                for key, inner in value.items()
            }
            return given if all(known.get(key) is merged[key] for key in merged) else known | merged
        if value is not given and (given is None or (override and given != value)):
            self._report.change(path, _shown(given, path), _shown(value, path))
            return value
        return given


def attributed(error: GatewayError, params: Report | None) -> GatewayError:
    """Return an error whose text says so if it is about a parameter that a rule has set."""
    if params is None or not error.param:
        return error
    changed = [entry.partition(":")[0] for entry in params.changed]
    if any(_within(error.param, path) or _within(path, error.param) for path in changed):
        error.message += (
            " The gateway's configuration sets this parameter for the model: ask its operator."
        )
    return error


def _within(path: str, outer: str) -> bool:
    return path == outer or path.startswith((f"{outer}.", f"{outer}["))


def with_params(header: str, params: Report, target: Shape) -> str:
    """Return the header of a translation's report with what was changed before it, or beside it."""
    notes = header or Report(params.source, target).header()
    entries = dict(part.partition("=")[::2] for part in notes.split("; "))
    mine = (
        ("dropped", params.dropped),
        ("changed", params.changed),
        ("emulated", params.emulated),
    )
    for key, names in mine:
        if names:
            entries[key] = listed([*names, *filter(None, [entries.get(key)])])
    order = ("from", "body", "to", "dropped", "changed", "emulated")
    return "; ".join(f"{key}={entries[key]}" for key in order if key in entries)


def with_rule(report: Report, decision: Decision) -> str:
    """Return the header of a report, with what the rule of the decision's model has changed."""
    is_moved = report.source is not report.target
    header = report.header() if report.size or is_moved else ""
    params = decision.params
    return header if params is None else with_params(header, params, report.target)


def _encoded(value: Any) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))


def _are_alike(given: Any, value: Mapping[str, Any]) -> bool:
    """Whether an object can be merged into what the client gives: not into one of another type."""
    if not isinstance(given, dict):
        return given is None
    return "type" not in given or "type" not in value or bool(given["type"] == value["type"])


def _shown(value: Any, path: str) -> str:
    """Return a value for headers and logs, which must not have texts of clients or operators."""
    if value is None:
        return "none"
    if isinstance(value, bool | int | float):
        return msgspec.json.encode(value).decode()
    if isinstance(value, str):
        return value if path.rpartition(".")[2] in _CHOICES else "text"
    return "list" if isinstance(value, list) else "object"
