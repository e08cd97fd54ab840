"""The schema's history: one file a step, numbered in order, each written so that it runs on both databases."""
