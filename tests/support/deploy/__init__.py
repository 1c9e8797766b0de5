"""Doubles and tools for deploying a stage and running its package."""
