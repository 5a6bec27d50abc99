"""What the body of an upstream's reply is: looked at, read whole, or passed on as it comes."""
