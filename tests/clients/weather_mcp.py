"""A server of the Model Context Protocol with one tool, which speaks on its standard streams."""

import json
import sys
from typing import Any

TOOL = {
    "name": "forecast",
    "description": "Forecasts the weather of a city.",
    # Without a word that it changes nothing, agents ask a human first.
    "annotations": {"readOnlyHint": True, "openWorldHint": False, "destructiveHint": False},
    "inputSchema": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
    },
}


def result_of(request: dict[str, Any]) -> dict[str, Any]:
    parameters = request.get("params", {})
    match request["method"]:
        case "initialize":
            return {
                "protocolVersion": parameters["protocolVersion"],
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "weather", "version": "1"},
            }
        case "tools/list":
            return {"tools": [TOOL]}
        case "tools/call":
            city = parameters["arguments"]["city"]
            return {"content": [{"type": "text", "text": f"sunny in {city}"}]}
    return {}


for line in sys.stdin:
    asked = json.loads(line)
    if "id" in asked:
        reply = {"jsonrpc": "2.0", "id": asked["id"], "result": result_of(asked)}
        sys.stdout.write(json.dumps(reply) + "\n")
        sys.stdout.flush()
