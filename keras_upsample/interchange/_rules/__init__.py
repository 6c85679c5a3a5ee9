"""Groups of nodes by which exporters write one operation: a module a rule, listed in `_all`.

A rule looks at a node as the last one of its group (`_here.Here`), and returns the node, or nodes,
that stand for the group; None where the group is another. Where a group is nearly the rule's, the
rule raises `Declined` with the reason. The group is then read node by node, and if one of its nodes
can't be read, the refusal names the reason.
"""
