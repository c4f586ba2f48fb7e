"""Stand-ins of kind, docker, kubectl, helm and aws."""
