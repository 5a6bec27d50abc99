"""The calls that ask an upstream about its models, by its kind. Pure.

Every server has a model list below the base URL; descriptions with more than names are elsewhere,
often beside the `/v1`.
"""

from dataclasses import dataclass
from urllib.parse import quote

from gateway.config.settings import UpstreamSettings
from gateway.resolve.names.model_ids import is_plausible
from gateway.servers.profile import MetadataCall, Profile


@dataclass(frozen=True, slots=True)
class FurtherCalls:
    """Calls that say more than the model list. Several of one sort are alternatives, best first."""

    lists: tuple[MetadataCall, ...] = ()
    """Lists with a capability field, for servers whose `/models` has none."""
    server: tuple[MetadataCall, ...] = ()
    """Descriptions of the server, and so of any model that it runs."""
    model: tuple[MetadataCall, ...] = ()
    """Descriptions of the requested model."""


def further_calls(upstream: UpstreamSettings, kind: Profile, model: str) -> FurtherCalls:
    """Return the calls that can say more about a model on a server of this kind."""
    if kind.further_needs and not _has_header(upstream, kind.further_needs):
        return FurtherCalls()
    about_model = kind.about_model(model) if is_plausible(model) else None
    return FurtherCalls(
        lists=kind.further_lists,
        server=kind.about_server,
        model=() if about_model is None else (about_model,),
    )


def _has_header(upstream: UpstreamSettings, wanted: str) -> bool:
    return any(name.lower() == wanted for name, _ in upstream.headers)


def job_list(after: str | None) -> MetadataCall:
    """Return the call for a page of fine-tuning jobs: the first, or the one after a job."""
    cursor = f"&after={quote(after, safe='')}" if after else ""
    return MetadataCall("/fine_tuning/jobs", f"limit=100{cursor}")


def checkpoint_list(job: str) -> MetadataCall:
    """Return the call for the checkpoints of a job."""
    return MetadataCall(f"/fine_tuning/jobs/{quote(job, safe='')}/checkpoints", "limit=100")
