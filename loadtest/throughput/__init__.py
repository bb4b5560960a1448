"""How many checkouts a second the sample takes, and how it bears most of them for long."""
