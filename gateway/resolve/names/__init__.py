"""What a model's name says: id grammars, the catalogue, near names, names that have answered."""
