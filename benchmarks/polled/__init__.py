"""Parts of `benchmarks/polling.py`: made news, the server that has it, the rivals, and what processes used."""
