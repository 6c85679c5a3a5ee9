"""What is used of other packages beside their public names, a module for each package.

An upgrade of one of them may change any of it without notice. So the rest of the package calls the
functions here, each of which says where its name was read; `tests/others/` checks one by one that
they still give what they say, and that no private name is used elsewhere. The other packages
are imported inside of the functions.
"""
