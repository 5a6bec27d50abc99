"""Runs LangChain and LlamaIndex on behalf of a test; not a test itself.

Run by the Python of the environment that has them, with the framework and the base URL as
arguments. Each line of standard input is a model; each line of output is a JSON object: what each
of the framework's classes has said.
"""

import json
import sys
from importlib import import_module
from typing import Any

ASKED = "Hello there"


def langchain(base_url: str, model: str) -> dict[str, str]:
    """Ask with the classes of `langchain_openai`; `OpenAI` always sends a temperature."""
    package: Any = import_module("langchain_openai")
    settings = {"base_url": base_url, "api_key": "sk-test", "model": model, "max_retries": 0}
    text = package.OpenAI(temperature=0.7, **settings)
    chat = package.ChatOpenAI(temperature=0.7, **settings)
    responses = package.ChatOpenAI(use_responses_api=True, **settings)
    return {
        "OpenAI, whole": text.invoke(ASKED),
        "OpenAI, streamed": "".join(text.stream(ASKED)),
        "OpenAI, batch": " | ".join(text.batch([ASKED, ASKED])),
        "ChatOpenAI, whole": chat.invoke(ASKED).text,
        "ChatOpenAI, streamed": "".join(piece.text for piece in chat.stream(ASKED)),
        "ChatOpenAI, responses": responses.invoke(ASKED).text,
    }


def llama_index(base_url: str, model: str) -> dict[str, str]:
    """Ask with `OpenAILike`, told rightly and wrongly whether it is a chat model."""
    package: Any = import_module("llama_index.llms.openai_like")
    said = {}
    for is_chat_model in (True, False):
        settings = {"api_base": base_url, "api_key": "sk-test", "max_retries": 0}
        llm = package.OpenAILike(model=model, is_chat_model=is_chat_model, **settings)
        name = f"OpenAILike, {'chat' if is_chat_model else 'completions'}"
        said[f"{name}, whole"] = llm.complete(ASKED).text
        pieces = [piece.delta for piece in llm.stream_complete(ASKED)]
        said[f"{name}, streamed"] = "".join(pieces)
    return said


if __name__ == "__main__":
    run = {"langchain": langchain, "llama_index": llama_index}[sys.argv[1]]
    for line in sys.stdin:
        sys.stdout.write(json.dumps(run(sys.argv[2], line.rstrip("\n"))) + "\n")
        sys.stdout.flush()
