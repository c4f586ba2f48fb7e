"""The pipeline: `dag.py` says when its steps run, `steps.py` what they do, `storage.py` where."""
