"""What is deployed: requests, sets of files, manifests, bundles."""
