"""The parts of requests and replies, translated from one shape to another."""
