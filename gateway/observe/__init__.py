"""Shows operators what happens to requests: records, outcomes, two logs, and traces."""
