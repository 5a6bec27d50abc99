"""Parameters of responses requests that refer to data stored by a server."""

from gateway.errors import UnsupportedParameter
from gateway.shapes import Json
from gateway.translate.contract import Context


def refuse_stored_state(client: Json, context: Context) -> None:
    """Refuse parameters that need stored responses, conversations or prompts, which chat lacks.

    Raises `UnsupportedParameter`, also with `on_unsupported: drop`: without these parameters it
    would be a different request.
    """
    if "previous_response_id" in client:
        raise UnsupportedParameter(
            "'previous_response_id' needs stored responses, and the gateway stores none. Switch "
            "the store on (responses.store), or send the whole conversation as 'input'.",
            param="previous_response_id",
        )
    if "conversation" in client:
        raise UnsupportedParameter(
            f"'conversation' is not supported for model '{context.model_asked}': it needs a "
            "conversation stored by the server that runs the model. Send the whole conversation "
            "as 'input'.",
            param="conversation",
        )
    if "prompt" in client:
        raise UnsupportedParameter(
            f"'prompt' is not supported for model '{context.model_asked}': it needs a prompt "
            "template stored by the server that runs the model. Send its text as 'instructions' "
            "and 'input'.",
            param="prompt",
        )
    if client.get("background"):
        raise UnsupportedParameter(
            f"'background' is not supported for model '{context.model_asked}': the reply "
            "would have to be stored until it is fetched. Remove it, and set 'stream' if the "
            "reply takes long.",
            param="background",
        )
