"""Minimal bots on other SDKs, each installed on demand into a folder of its own under `out/`."""
