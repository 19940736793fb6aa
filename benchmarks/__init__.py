"""How fast Clarion is, as ratios to code written by hand, beside its peers."""
