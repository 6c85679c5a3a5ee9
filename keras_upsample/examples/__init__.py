"""Example inputs of any kind as arrays by input name.

`_sources` and `_item` read the users' arrays, folders, generators and pairs; `_cases` adds real
photographs, noise, other sizes and batches; `_shown` says which values these were.
"""
