"""What the shop is about, without a framework: states of an order, money, and what a fraud check says."""
