"""The house keeps its own rules: floors, documentation, no secrets."""
