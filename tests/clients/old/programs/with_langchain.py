"""What programs of June 2023 did with langchain 0.0.200, all that is not said by default."""

from importlib import import_module
from typing import Any

agents: Any = import_module("langchain.agents")
chat_models: Any = import_module("langchain.chat_models")
llms: Any = import_module("langchain.llms")
streaming: Any = import_module("langchain.callbacks.base")

QUESTION = "What is the weather in Paris?"


class Pieces(streaming.BaseCallbackHandler):  # type: ignore[misc]
    """Keeps the pieces of a stream."""

    def __init__(self) -> None:
        self.pieces: list[str] = []

    def on_llm_new_token(self, token: str, **_: Any) -> None:
        self.pieces.append(token)


def agent(llm: Any, kind: str) -> Any:
    asked: list[str] = []

    def weather(place: str) -> str:
        asked.append(place.strip())
        return "sunny"

    tool = agents.Tool(name="Weather", func=weather, description="tells the weather of a place")
    made = agents.initialize_agent([tool], llm, agent=getattr(agents.AgentType, kind))
    return {"answer": made.run(QUESTION), "asked": asked}


def completions_agent() -> Any:
    return agent(llms.OpenAI(temperature=0), "ZERO_SHOT_REACT_DESCRIPTION")


def chat_agent() -> Any:
    return agent(chat_models.ChatOpenAI(temperature=0), "ZERO_SHOT_REACT_DESCRIPTION")


def json_chat_agent() -> Any:
    llm = chat_models.ChatOpenAI(model_name="gpt-4", temperature=0)
    return agent(llm, "CHAT_ZERO_SHOT_REACT_DESCRIPTION")


def defaults() -> Any:
    """Ask both classes, each whole and streamed."""
    found: dict[str, Any] = {}
    for name, make, model in (
        ("completions", llms.OpenAI, "text-davinci-003"),
        ("chat", chat_models.ChatOpenAI, "gpt-3.5-turbo"),
    ):
        heard = Pieces()
        streamed = make(model_name=model, streaming=True, callbacks=[heard])
        found[name] = make(model_name=model).predict("Hello there")
        found[f"{name}, streamed"] = streamed.predict("Hello there")
        found[f"{name}, pieces"] = heard.pieces
    return found


def prompts() -> Any:
    """Ask with several prompts and choices at once, and all that tunes."""
    llm = llms.OpenAI(n=2, best_of=2, presence_penalty=0.6, frequency_penalty=0.5, top_p=0.9)
    made = llm.generate(["one", "two"])
    return [[choice.text for choice in choices] for choices in made.generations]


def best_of() -> Any:
    return llms.OpenAI(best_of=2, max_retries=1).predict("Hello there")


def biased() -> Any:
    """Ban the token that ended texts of the time, as the documentation of `logit_bias` showed."""
    return llms.OpenAI(logit_bias={"50256": -100}, max_retries=1).predict("Hello there")
