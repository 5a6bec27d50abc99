"""Where stored responses are kept: in the process, or in an SQLite file."""
