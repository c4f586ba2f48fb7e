"""When what runs: schedules, queues, the graph of a run's tasks, retries, timeouts and cancellation."""
