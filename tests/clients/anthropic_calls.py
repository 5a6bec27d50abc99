"""Calls of the `anthropic` package, made on behalf of a test; not a test itself.

Run by the Python of an environment that has the package: `anthropic_calls.py BASE_URL`. Each line
of standard input is a JSON object `{"method": "messages.create", "arguments": {…}, "key": …}`, each
line of output its result: `reply`; of a stream, also the types of its `events`; of a list, its
`items`; `error` if one was raised. `beta.tool_runner` lets the package run a tool, `weather`.
`node/anthropic_calls.js` does the same with npm's package.
"""

import json
import sys
from importlib import import_module
from typing import Any

anthropic: Any = import_module("anthropic")


def make(asked: dict[str, Any]) -> dict[str, Any]:
    """Make one call and describe what came of it."""
    resource, _, verb = asked["method"].partition(".")
    client = anthropic.Anthropic(base_url=sys.argv[1], api_key=asked["key"], max_retries=0)
    api = client.beta.messages if resource == "beta" else getattr(client, resource)
    function = getattr(api, verb)
    result: dict[str, Any] = {}
    try:
        if verb == "tool_runner":
            runner = function(tools=[anthropic.beta_tool(weather)], **asked["arguments"])
            result["reply"] = runner.until_done().to_dict(mode="json")
        elif verb == "stream":
            with function(**asked["arguments"]) as stream:
                result["events"] = []
                for event in stream:
                    result["events"].append(event.type)
                result["reply"] = stream.get_final_message().to_dict(mode="json")
        elif verb == "list":
            result["items"] = [item.to_dict(mode="json") for item in function(**asked["arguments"])]
        else:
            result["reply"] = function(**asked["arguments"]).to_dict(mode="json")
    except Exception as error:  # noqa: BLE001 - which one it is, is what the test asks
        result["error"] = described(error)
    finally:
        client.close()
    return result


def weather(city: str) -> str:
    """Tell the weather of a city."""
    return f"sunny: {city}"


def described(error: Exception) -> dict[str, Any]:
    body = getattr(error, "body", None)
    inner = body.get("error", {}) if isinstance(body, dict) else {}
    return {
        "class": type(error).__name__,
        "is_own": isinstance(error, anthropic.APIError),
        "status": getattr(error, "status_code", None),
        "type": inner.get("type"),
        "message": inner.get("message") or str(error),
        "request_id": getattr(error, "request_id", None),
    }


def main() -> None:
    """Serve calls until the input ends."""
    for line in sys.stdin:
        sys.stdout.write(json.dumps(make(json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
