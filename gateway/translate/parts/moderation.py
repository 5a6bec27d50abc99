"""The results of a moderation, which chat and responses write in two forms.

Schemas `ChatCompletionModeration` (a list of results) and `Moderation` (one result) of OpenAI's
OpenAPI description; errors are the same in both, and anything else is left as it is.
"""

import operator
from collections.abc import Callable, Iterable, Mapping
from types import UnionType
from typing import Any

from gateway.shapes import Json

_SIDES = ("input", "output")


def chat_moderation(found: Mapping[str, object]) -> Json:
    """Return the moderation of a response as chat's."""
    return {**found, **{side: _listed(found[side]) for side in _SIDES if side in found}}


def responses_moderation(found: Mapping[str, object]) -> Json:
    """Return chat's moderation as that of a response."""
    return {**found, **{side: _united(found[side]) for side in _SIDES if side in found}}


def moderation_of_all(found: Iterable[object]) -> Json | None:
    """Return chat's moderation of all calls of a request; None: there is none.

    The calls have one prompt, and their replies are in order.
    """
    moderations = [each for each in found if isinstance(each, dict)]
    if not moderations:
        return None
    outputs = [output for each in moderations if isinstance(output := each.get("output"), dict)]
    listed = [output for output in outputs if isinstance(output.get("results"), list)]
    if not listed:
        return moderations[0]
    results = [result for output in listed for result in output["results"]]
    return {**moderations[0], "output": {**listed[0], "results": results}}


def _listed(result: object) -> object:
    if not isinstance(result, dict) or result.get("type") != "moderation_result":
        return result
    return {"type": "moderation_results", "model": result.get("model"), "results": [result]}


def _united(results: object) -> object:
    """Return one result for several: in each category, the more alarming one."""
    if not isinstance(results, dict) or not isinstance(results.get("results"), list):
        return results
    united: Json = {
        "type": "moderation_result",
        "model": results.get("model"),
        "flagged": False,
        "categories": {},
        "category_scores": {},
        "category_applied_input_types": {},
    }
    for result in results["results"]:
        if isinstance(result, dict):
            united["model"] = result.get("model", united["model"])
            united["flagged"] = united["flagged"] or result.get("flagged") is True
            for name, (kind, more) in _BY_CATEGORY.items():
                _unite(united[name], result.get(name), kind, more)
    return united


def _unite(
    known: Json, found: object, kind: type | UnionType, more: Callable[[Any, Any], Any]
) -> None:
    for category, value in found.items() if isinstance(found, dict) else ():
        if isinstance(value, kind):
            known[category] = more(known[category], value) if category in known else value


_BY_CATEGORY: Mapping[str, tuple[type | UnionType, Callable[[Any, Any], Any]]] = {
    "categories": (bool, operator.or_),
    "category_scores": (int | float, max),
    "category_applied_input_types": (list, operator.add),
}
