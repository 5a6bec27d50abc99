"""What endpoints understand: by their servers, by their models, and by what they have refused."""
