"""Everything that leaves this machine passes here: who may be contacted, and the one HTTP client that contacts them."""
