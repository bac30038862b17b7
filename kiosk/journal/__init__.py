"""The durable record of every case: state, chained journal and sealed personal data, written in one transaction."""
