"""Runs the deployed application whole on one machine. Never deployed."""
