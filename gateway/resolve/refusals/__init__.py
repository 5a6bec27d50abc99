"""What an upstream's refusal means: another endpoint, no such model, or a parameter to fix."""
