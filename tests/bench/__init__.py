"""How fast Dealdesk is, measured beside the limit of the machine: `python -m tests.bench`."""
