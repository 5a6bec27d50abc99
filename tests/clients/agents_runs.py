"""Runs an agent of the `openai-agents` package on behalf of a test; not a test itself.

Run by the Python of the environment that has that package, with the base URL as argument, and with
`websocket` as the second one if all runs are to share a WebSocket. Each line of standard input is a
JSON object `{"model": …, "says": …, "streamed": …, "kept": …}`; each line of output is what came of
it: `output`, `tools` that ran, the types of the new `items`, and of a streamed run the types of its
`events`. `kept`: the server keeps the conversation.
"""

import asyncio
import json
import sys
from importlib import import_module
from typing import Any

agents: Any = import_module("agents")
openai: Any = import_module("openai")


def agent_for(base_url: str, ran: list[Any]) -> Any:
    """Return an agent with one tool, which notes its calls in `ran`."""
    client = openai.AsyncOpenAI(base_url=base_url, api_key="sk-test", max_retries=0)
    agents.set_default_openai_client(client, use_for_tracing=False)

    def weather(city: str) -> str:
        """Tell the weather.

        Args:
            city: Where.
        """
        ran.append({"city": city})
        return "sunny"

    return agents.Agent(
        name="forecaster",
        instructions="Be brief.",
        tools=[agents.function_tool(weather)],
    )


async def run(runner: Any, agent: Any, asked: dict[str, Any], ran: list[Any]) -> dict[str, Any]:
    """Let the agent work until it has its final output."""
    ran.clear()
    options = {"max_turns": 3, "auto_previous_response_id": asked["kept"]}
    agent = agent.clone(model=asked["model"])
    events: list[str] = []
    if asked["streamed"]:
        result = runner.run_streamed(agent, asked["says"], **options)
        raw = [e async for e in result.stream_events() if e.type == "raw_response_event"]
        events.extend(event.data.type for event in raw)
    else:
        result = await runner.run(agent, asked["says"], **options)
    usage = result.context_wrapper.usage
    return {
        "output": result.final_output,
        "tools": list(ran),
        "items": [item.type for item in result.new_items],
        "events": events,
        "requests": usage.requests,
        "tokens": usage.total_tokens,
    }


async def answer(runner: Any, base_url: str) -> None:
    """Answer each line of input with a line of output."""
    ran: list[Any] = []
    agent = agent_for(base_url, ran)
    for line in sys.stdin:
        try:
            outcome = await run(runner, agent, json.loads(line), ran)
        except Exception as error:  # noqa: BLE001 - which one it is, is what the test asks
            outcome = {"error": f"{type(error).__name__}: {error}"}
        sys.stdout.write(json.dumps(outcome) + "\n")
        sys.stdout.flush()


async def main(base_url: str, *transport: str) -> None:
    """Run the agent over HTTP, or over one WebSocket."""
    agents.set_tracing_disabled(True)
    if not transport:
        await answer(agents.Runner, base_url)
        return
    async with agents.responses_websocket_session(api_key="sk-test", base_url=base_url) as session:
        await answer(session, base_url)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
