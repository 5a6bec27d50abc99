"""ASGI: the only folder that knows how a client's request arrives and a reply leaves."""
