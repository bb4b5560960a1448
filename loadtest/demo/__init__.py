"""Traffic that makes dashboards come alive; see `__main__`."""
