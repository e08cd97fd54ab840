"""What `pages.py` asks pages of: a database that has run for months, made by bulk inserts."""
