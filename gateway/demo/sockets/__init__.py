"""The emulator's WebSockets: responses, and realtime sessions."""
