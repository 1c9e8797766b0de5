"""Local mode: the complete application on one machine. Never deployed."""
