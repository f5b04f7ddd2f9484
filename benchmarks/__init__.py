"""What measures the figures in docs/benchmarks.md: each a ratio to an alternative."""
