"""Requests that have just ended."""

from time import time

from gateway.exchange.decision import Decision
from gateway.observe.outcomes import Ending
from gateway.observe.record import FinishedRequest


def finished_now(
    decision: Decision, shape: str, ending: Ending, status: int, seconds: float
) -> FinishedRequest:
    """Return a request that ends now."""
    return FinishedRequest(decision, shape, ending, status, seconds, time())
