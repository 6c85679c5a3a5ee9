"""Files of models: structure, digest, companion files, and this machine's cache."""
