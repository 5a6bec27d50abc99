"""`FAST_PATHS=0` in the environment: the gateways of the tests do without fast paths."""

import os

from gateway.config.schema import configuration
from gateway.config.settings import PerformanceSettings

FAST_PATHS = os.environ.get("FAST_PATHS", "1") != "0"
VARIABLES = {} if FAST_PATHS else {"GATEWAY_PERFORMANCE__FAST_PATHS": "false"}
"""For gateways that are processes of their own."""


def set_default() -> None:
    """Make `FAST_PATHS` the default of settings that tests write, though not of files."""
    assert configuration.GatewayConfig.model_fields["performance"].default.fast_paths
    initialise = PerformanceSettings.__init__
    initialise.__defaults__ = (FAST_PATHS,)
