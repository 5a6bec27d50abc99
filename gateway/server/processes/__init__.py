"""The processes of a gateway: workers, their parent, signals, and the way to a new program."""
