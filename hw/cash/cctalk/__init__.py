"""ccTalk: a host's side of the bus on which coin acceptors and hoppers sit."""
