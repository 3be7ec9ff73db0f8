"""Kill everything, break everything, and count. `make chaos`; tests/chaos/checker.py decides."""
