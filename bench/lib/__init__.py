"""The parts of the benchmark suite; see bench/README.md."""
