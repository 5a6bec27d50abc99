"""What llama-index 0.6 does with two documents and a question."""

from importlib import import_module
from typing import Any

llama_index: Any = import_module("llama_index")


def ask(kind: str) -> Any:
    """Ask an index, `GPTVectorStoreIndex` or another."""
    documents = [llama_index.Document("Paris is in France."), llama_index.Document("Lima is warm.")]
    index = getattr(llama_index, kind).from_documents(documents)
    return str(index.as_query_engine().query("Where is Paris?"))
