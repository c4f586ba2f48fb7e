"""The steps of `scripts/dist.py`: building the packages for publication, and trying what was built."""
