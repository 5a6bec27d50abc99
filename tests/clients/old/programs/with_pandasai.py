"""What pandasai 0.2.15 does with a question about a table."""

from importlib import import_module
from typing import Any

pandas: Any = import_module("pandas")
pandasai: Any = import_module("pandasai")
openai_llm: Any = import_module("pandasai.llm.openai")


def ask(model: str) -> Any:
    """Ask one question; the model's answer is code, which is run."""
    table = pandas.DataFrame({"country": ["Peru", "Chad"], "happiness": [3, 4]})
    asking = pandasai.PandasAI(openai_llm.OpenAI(model=model))
    return str(asking.run(table, "What is the sum of happiness?"))
