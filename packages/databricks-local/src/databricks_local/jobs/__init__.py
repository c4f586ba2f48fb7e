"""The Jobs API: jobs, their runs and the task runs of these."""
