"""What messages hold: texts, pictures, files, and the sources they name."""
