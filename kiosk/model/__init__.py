"""The domain of the counter, standard library only: values and rules, no I/O, no clock, no framework."""
