"""Every card in every state, made of fictitious deals: what is drawn, looked at and tested."""
