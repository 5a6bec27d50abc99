"""Which endpoint does this model live on? Pure evidence, and the resolver that weighs it."""
