"""What upstreams publish of their models: lists, cards, jobs, capabilities; read and cached."""
