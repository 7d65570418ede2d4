"""The chat page and the cards on it, in a real browser."""
