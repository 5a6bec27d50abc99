"""Who gets in: tokens, cookies and host names."""
