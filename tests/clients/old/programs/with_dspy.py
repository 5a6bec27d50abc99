"""What dspy 2.0.4 does with a question."""

from importlib import import_module
from typing import Any

dspy: Any = import_module("dspy")


def alone(model: str, words: str) -> Any:
    """Ask the model without a signature; what it has answered before is not asked for again."""
    return dspy.OpenAI(model=model)(words)


def predict(model: str) -> Any:
    """Ask by a signature."""
    dspy.settings.configure(lm=dspy.OpenAI(model=model))
    return dspy.Predict("question -> answer")(question="Where is Paris?").answer


def think(model: str) -> Any:
    """Ask for three thoughts at once; the answers are counted."""
    dspy.settings.configure(lm=dspy.OpenAI(model=model))
    chains = dspy.ChainOfThought("question -> answer", n=3)
    return len(chains(question="Where is Lima?").completions.answer)
