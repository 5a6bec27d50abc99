"""The emulator's endpoints."""
