"""What the runner and the workers share: numpy and the standard library, nothing else."""
