"""The devices themselves, simulated: pure cores, and the shells that put them on a real wire."""
