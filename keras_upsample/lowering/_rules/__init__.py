"""Rewriting rules: each module has `NAME`, `propose(node, around)` and the proof of its identity.

A rule reads the graph through the views of `_views` and proposes equal forms of the block that ends
in `node`; it changes nothing itself.
"""
