"""Reads what it is sent and never answers, not even the greeting."""
import sys

for _ in sys.stdin:
    pass
