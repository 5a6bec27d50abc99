"""One request's story: resolve, translate, send, learn from a refusal, fold back."""
