"""Fuzz targets, and the program that runs them."""
