"""Storms: operators at work while the API answers badly, connections break, and processes are killed.

Each sequence of faults is drawn from a seed. ``python -m faults.storm 17 42``, in the folder above, runs
those two alone and prints what happened.
"""
