"""The catalogue of faults and attacks."""
