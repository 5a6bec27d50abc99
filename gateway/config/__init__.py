"""Configuration: as written (`schema`), read (`load`), and as used (`settings`)."""
