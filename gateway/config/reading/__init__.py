"""Reads a configuration as it is written: files, the environment and the command line."""
