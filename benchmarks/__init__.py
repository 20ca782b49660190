"""What Parley costs, measured beside the least that the same work can cost: `python -m benchmarks`."""
