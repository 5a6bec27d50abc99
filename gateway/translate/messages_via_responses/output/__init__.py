"""The output of a response as the blocks of one message, item by item, whole or in events."""
