"""The output of a response as one chat message, item by item, whole or event by event."""
