"""Nothing of its own: with it, tests in folders below find `reading` as those beside it do."""
