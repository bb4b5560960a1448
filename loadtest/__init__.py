"""Load tests and the proof that measuring costs little. Nothing in here is imported by the product."""
