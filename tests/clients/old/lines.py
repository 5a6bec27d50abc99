"""What the model says to the programs: lines that show whether stop sequences end them."""


def weather(text: str) -> str:
    """Act as an agent's model of 2023: it goes on to make up what it should wait for.

    A client that does not stop it before `Observation:` gets rain, and a wrong answer.
    """
    made_up = "Observation: rain\nThought: I know.\nFinal Answer: It rains."
    if "sunny" in text:
        return f"Thought: I know.\nFinal Answer: It is sunny.\n\n{made_up}"
    if '"action"' in text:
        action = '```\n{"action": "Weather", "action_input": "Paris"}\n```'
        return f"Thought: I must look.\nAction:\n{action}\n{made_up}"
    return f" I must look.\nAction: Weather\nAction Input: Paris\n{made_up}"


def code(text: str) -> str:
    """Write code that answers a question about a table, and then say its result."""
    if "Answer: 7" in text:
        return "The sum is 7."
    return "<startCode>\nprint(df['happiness'].sum())\n<endCode>"


def greeting(text: str) -> str:
    """Say something."""
    return "Good day." if text else ""
