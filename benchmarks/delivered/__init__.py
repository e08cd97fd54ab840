"""Parts of `benchmarks/delivery.py`: what it lets happen, and the receivers that note when a message came."""
