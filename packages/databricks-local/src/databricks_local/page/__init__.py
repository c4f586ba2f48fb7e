"""The pages for people: runs and jobs, and each run with its graph, timeline, errors and live logs."""
