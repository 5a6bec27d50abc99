"""What upstreams can do wrong, as a table, and what a client must see of each of it."""
