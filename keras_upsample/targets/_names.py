"""Names of rules and forms in `keras_upsample.lowering`."""

# Rules: the modules of `keras_upsample.lowering._rules`.
NEAREST = "nearest"
TRANSPOSED = "transposed"
FILTERING = "minimal_filtering"
CONCATENATION = "concatenation"
BRANCHES = "branches"
LAYOUT = "layout"
SHUFFLE = "shuffle"

# Forms of these that are made for NPUs.
INTERLEAVED = "interleaved"
INTERLEAVED_2X2 = "interleaved 2x2"  # of a transposed convolution 2x2 of stride 2
INTERLEAVED_ADDED = "interleaved, then added"  # to the convolution of what is concatenated
