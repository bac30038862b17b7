"""Receipt printers that speak ESC/POS: rendering a paper to bytes, reading status, and knowing what came out."""
