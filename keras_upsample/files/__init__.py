"""Files as such: structure, digest, what lies beside them, and the cache of this machine."""
