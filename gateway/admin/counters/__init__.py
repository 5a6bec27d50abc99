"""The metrics: counted, summed over workers, and written for Prometheus."""
