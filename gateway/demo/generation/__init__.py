"""What the emulated models say, and how it is sent."""
