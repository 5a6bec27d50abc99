"""Clients' WebSockets on `/v1/responses`: events in, frames out."""
