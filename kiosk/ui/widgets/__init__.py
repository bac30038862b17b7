"""What the screens are built of; widgets know plain values and words, no use case."""
