"""The use cases of the counter, one file each, readable top to bottom; no UI, no framework."""
