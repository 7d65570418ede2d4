"""The conversation: what a seller says and presses, and what is answered."""
