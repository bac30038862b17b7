"""The technician's seat: the devices, the papers, the card exchanges."""
