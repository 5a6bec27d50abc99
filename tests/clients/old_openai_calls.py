"""Calls of the `openai` package of 2023 (0.28), made on behalf of a test; not a test itself.

Run by the Python of the environment that has that package. Each line of standard input is a JSON
object `{"method": "Completion.acreate", "arguments": {…}}`; each line of output is its result:
`reply`, or `chunks` of a stream, and `error` if one was raised, also after some chunks. A file
among the arguments is `{"filename": …, "base64": …}`; bytes in a reply come as `{"base64": …}`.
"""

import asyncio
import base64
import io
import json
import sys
from importlib import import_module
from inspect import isasyncgen, isgenerator
from typing import Any

openai: Any = import_module("openai")


def make(method: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Make one call and describe what came of it."""
    resource, _, verb = method.partition(".")
    function = getattr(getattr(openai, resource), verb)
    arguments = {name: given(value) for name, value in arguments.items()}
    result: dict[str, Any] = {}
    try:
        if verb.startswith("a"):
            asyncio.run(make_async(function, arguments, result))
        else:
            made = function(**arguments)
            if isgenerator(made):
                result["chunks"] = []
                result["chunks"].extend(as_json(chunk) for chunk in made)
            else:
                result["reply"] = as_json(made)
    except Exception as error:  # noqa: BLE001 - which one it is, is what the test asks
        result["error"] = describe(error)
    return result


def given(value: Any) -> Any:
    if not isinstance(value, dict) or "base64" not in value:
        return value
    file = io.BytesIO(base64.b64decode(value["base64"]))
    file.name = value["filename"]
    return file


def as_json(made: Any) -> Any:
    if isinstance(made, bytes):
        return {"base64": base64.b64encode(made).decode()}
    return made if isinstance(made, str) else made.to_dict_recursive()


async def make_async(function: Any, arguments: dict[str, Any], result: dict[str, Any]) -> None:
    made = await function(**arguments)
    if not isasyncgen(made):
        result["reply"] = as_json(made)
        return
    chunks = result["chunks"] = []
    async for chunk in made:
        chunks.append(as_json(chunk))  # noqa: PERF401 - kept when the next one raises


def describe(error: Exception) -> dict[str, Any]:
    names = ("param", "code", "http_status", "user_message")
    described = {name: getattr(error, name, None) for name in names}
    is_own = isinstance(error, openai.error.OpenAIError)
    return {"class": type(error).__name__, "is_openai_error": is_own, **described}


def main() -> None:
    """Serve calls until the input ends: `main.py BASE_URL`."""
    openai.api_base, openai.api_key = sys.argv[1], "sk-test"
    for line in sys.stdin:
        asked = json.loads(line)
        sys.stdout.write(json.dumps(make(asked["method"], asked["arguments"])) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
