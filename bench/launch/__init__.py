"""Starting workers: the frameworks, their environments, the machine, and the worker process."""
