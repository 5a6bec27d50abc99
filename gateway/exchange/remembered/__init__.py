"""What a client's socket remembers of its responses, and how later requests continue them."""
