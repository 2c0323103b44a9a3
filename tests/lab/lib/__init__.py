"""What the scenarios of the lab are made of."""
