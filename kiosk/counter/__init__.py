"""The clerk's side of the counter."""
