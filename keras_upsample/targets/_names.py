"""Names of rules and forms of `keras_upsample.lowering` that targets prefer or leave out."""

# Rules: the modules of `keras_upsample.lowering._rules`.
NEAREST = "nearest"
TRANSPOSED = "transposed"
FILTERING = "minimal_filtering"
CONCATENATION = "concatenation"
LAYOUT = "layout"
SHUFFLE = "shuffle"

# Forms of these that are made for NPUs.
INTERLEAVED = "interleaved"
INTERLEAVED_2X2 = "interleaved 2x2"  # of a transposed convolution 2x2 of stride 2
INTERLEAVED_ADDED = "interleaved, then added"  # to the convolution of what is concatenated
