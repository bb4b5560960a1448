"""How the model is made: a made-up world with a known truth, and a regression on what can be seen of it."""
