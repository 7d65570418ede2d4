"""The outside world on one machine: Partner Center, Entra and Teams, on loopback only."""
