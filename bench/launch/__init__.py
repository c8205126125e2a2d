"""What starting a worker takes: frameworks, environments, the machine, and the process itself."""
