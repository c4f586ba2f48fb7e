"""From the archive of a Stack Exchange site to two objects in S3.

`assets.py` says which archive and where to, `produce.py` in which order: `listing.py` asks the host
what it has, `download.py` brings it to this machine, `archive.py` takes the wanted files out of it,
`landing.py` brings them to S3. `transport.py` is how hosts are talked to, `alert.py` and `pod.py`
say what holds for tasks.
"""
