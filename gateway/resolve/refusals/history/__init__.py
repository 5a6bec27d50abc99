"""What servers demand of earlier messages, and what they refuse in them."""
