"""What `watcher demo` shows: a feed server, an inbox and receivers on loopback, the run over them, and its report."""
