"""What is fuzzed, and the program that does it."""
