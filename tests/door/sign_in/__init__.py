"""Signing in, against an Entra that MSAL talks to over TLS."""
