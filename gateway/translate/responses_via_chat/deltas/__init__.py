"""Chat deltas and tool calls, read from all the forms in which servers send them."""
