"""Parameters of requests that models' rules set and endpoints refuse."""
