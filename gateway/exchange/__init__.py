"""One request's path to an upstream and back: resolve, translate, send, learn, try again, reply."""
