"""The gateway under any ASGI server: `uvicorn gateway.asgi:app`, or mounted in another application.

A thin adapter to `gateway.api`. `gateway serve` does not use it: its own server (`gateway.server`)
is faster and enforces more limits. Here, limits of a request's head, slow heads and slow readers
are left to the ASGI server.
"""

from gateway.asgi.application import EnvironmentGateway

app = EnvironmentGateway()
