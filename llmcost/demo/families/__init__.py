"""One file a task: each gives the task's scenarios."""
