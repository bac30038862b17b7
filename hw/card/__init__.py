"""IC cards: from APDUs on a reader up to one domain session for every card application this station drives."""
