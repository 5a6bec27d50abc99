"""What chat replies say, read from the forms that servers give it."""
