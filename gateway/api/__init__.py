"""What a request means: guard, clients, the route table, and its way to a reply."""
