"""What pairs towards a messages endpoint share: blocks, calls, tools, thinking, parameters."""
