"""Benchmarks: the speed of Clarion and its peers, as ratios to hand-written code."""
