"""Traces: one span per request and one per upstream call, for an OpenTelemetry collector."""
