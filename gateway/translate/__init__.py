"""Translation between shapes: dicts and bytes in, dicts and bytes out. No I/O, no clock."""
