"""What is said in tokens: usage, logprobs, biases, and the ids themselves."""
