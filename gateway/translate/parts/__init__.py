"""The parts of requests and replies, from one shape's form into another's."""
