"""A simulated customer display of two lines of twenty characters; it shares no code with the driver."""
