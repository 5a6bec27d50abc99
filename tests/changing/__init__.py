"""What an operator changes while clients are served: none of them notices."""
