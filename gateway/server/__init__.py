"""The door: takes connections, reads requests off them, writes replies, ends in order."""
