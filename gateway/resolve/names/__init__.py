"""What a model's name says: forms of ids, the catalogue, near names, names that have answered."""
