"""What runs in the process of an update, which need not have this package installed."""
