"""A simulated ccTalk bus with a coin acceptor and a coin hopper on it; it shares no code with the driver."""
