"""A strict OpenAI emulator, and the demonstration that runs the gateway in front of it."""
