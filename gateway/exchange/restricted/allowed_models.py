"""Tells whether a configured client may use a model, by the `models` of its configuration."""

from fnmatch import fnmatchcase

from gateway.config.settings import ClientSettings
from gateway.errors import PermissionDenied


class ModelNotAllowed(PermissionDenied):
    """A configured client may not use the model that it asks for.

    `model` is the name as asked, for the operator, who could allow it.
    """

    code = "model_not_allowed"

    def __init__(self, message: str, *, model: str, param: str) -> None:
        super().__init__(message, param=param)
        self.model = model


def is_allowed(client: ClientSettings | None, model: str) -> bool:
    """Whether a client may use a model (name as asked)."""
    if client is None:
        return True
    return any(fnmatchcase(model, pattern) for pattern in client.models)


def check_allowed(client: ClientSettings | None, model: str, param: str = "model") -> None:
    """Raise `ModelNotAllowed` unless the client may use the model that `param` names."""
    if not is_allowed(client, model):
        raise ModelNotAllowed(
            f"The key of client '{client.name if client else ''}' does not allow the model "
            f"'{model}'. Ask the gateway's operator to add it to this client's models.",
            model=model,
            param=param,
        )
