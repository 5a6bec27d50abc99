"""Old endpoints of OpenAI without a successor: what they did, and what to use instead.

OpenAI announced on 2022-06-03 that search, answers and classifications, and the file purposes for
them, would end on 2022-12-03. The paths are those of openai-python 0.2 to 0.28.
"""

from collections.abc import Mapping

_ENDED = "until OpenAI shut it down in December 2022"

REMOVED: Mapping[str, str] = {
    "search": (
        f"it scored documents by how well they fit a query, {_ENDED}. The scores cannot be "
        "reproduced: embed the documents and the query with /v1/embeddings, and rank by cosine "
        "similarity"
    ),
    "answers": (
        f"it answered a question from documents that it searched, {_ENDED}. Find the relevant "
        "texts with /v1/embeddings, put them into a prompt, and ask at /v1/chat/completions"
    ),
    "classifications": (
        f"it labelled a text after examples that it searched, {_ENDED}. Put labelled examples into "
        "a prompt for /v1/chat/completions, or fine-tune a model on them"
    ),
    "search_indices": (
        f"it searched an index of documents, as an experiment, {_ENDED}. Put the documents into a "
        "vector store and call /v1/vector_stores/{vector_store_id}/search, or embed them with "
        "/v1/embeddings"
    ),
    "snapshots": (
        "it listed the models that an account had trained, until fine-tunes replaced it in 2021. "
        "They are in /v1/models; training is at /v1/fine_tuning/jobs"
    ),
    "deployments": (
        "Azure listed and made deployments here until 2023. Their names are models to the gateway: "
        "list them with /v1/models, and make them with Azure's management API"
    ),
    "generate": (
        "it completed texts in the API's first year. Call /v1/completions, with `context` as "
        "`prompt`, `length` as `max_tokens` and `completions` as `n`"
    ),
    "completions/browser_stream": (
        "it streamed completions to browsers, the request being in its query. Call /v1/completions "
        "with `stream: true`"
    ),
}
"""What each endpoint did and what to call instead, by its path below `/v1` or an engine."""

_PURPOSES = ("search", "answers", "classifications")


def purpose_gone(purpose: str) -> str | None:
    """Return the explanation for an old file purpose; None for any other."""
    if purpose not in _PURPOSES:
        return None
    return f"Files with the purpose '{purpose}' were for /v1/{purpose}: {REMOVED[purpose]}."


def moderation_model_gone(model: str) -> str:
    """Return the explanation for an old moderation model, with the line that aliases it."""
    return (
        f"The model '{model}' was shut down on 2025-10-27. Leave 'model' out, or ask for "
        "omni-moderation-latest; to keep the name working, add the line "
        f"`{model}: {{model: omni-moderation-latest}}` to `models:` in the gateway's configuration."
    )
