"""What a request means: its checks, its client, its route, and the reply."""
