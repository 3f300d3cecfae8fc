"""Writes to stdout without end and without a newline."""
import sys

sys.stdin.readline()
while True:
    sys.stdout.write("x" * 65536)
