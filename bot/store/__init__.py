"""What the bot must not forget: tables, and one module of functions per noun."""
