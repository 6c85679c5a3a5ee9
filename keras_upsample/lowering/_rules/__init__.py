"""Rewriting rules, one a module: `NAME`, `PATTERNS`, and the proof of its identity.

A pattern reads the graph at a place (`Here`), raises `NoMatch` with the reason where it is not
there, and else returns equal forms of the block that ends there; it changes nothing itself.
"""
