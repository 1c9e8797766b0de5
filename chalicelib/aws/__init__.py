"""One thin wrapper for each AWS service, and no arithmetic."""
