"""Transcripts: what people say and press, what they hear, and what Partner Center holds then."""
