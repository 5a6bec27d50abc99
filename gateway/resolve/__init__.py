"""At which endpoint does this model live? Pure evidence, and the resolver that weighs it."""
