"""What only algebra decides. Runs in a worker process, which can be killed."""
