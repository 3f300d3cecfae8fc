"""Ends with an error before it has said anything."""
raise SystemExit("no such checkpoint")
