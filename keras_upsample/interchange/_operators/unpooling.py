"""Max pooling that gives the places of the maxima, and max unpooling that reads them."""

from .._context import Context
from .._value import CHANNELS_LAST, Value

MAX_POOL_WITH_PLACES = "keras_upsample.MaxPoolWithPlaces"
"""Kind of the node that `_rules` puts for a MaxPool whose places only unpoolings read."""

MAX_UNPOOL = "keras_upsample.MaxUnpool"
"""Kind of the node that `_rules` puts for an unpooling: inputs values and places of the pool;
attributes `window` and `size`."""


def max_pool_with_places(c: Context) -> list[Value]:
    """Windows of squares side by side; places count in each window."""
    from ...layers import MaxPoolingWithIndices2D

    x = c.image()
    window = int(c.attribute("kernel_shape")[0])
    layer = MaxPoolingWithIndices2D(window, data_format="channels_last", name=c.name)
    y, places = c.outputs(layer, x.tensor)
    return [c.like(x, y, positive=x.positive), c.like(x, places, positive=True)]


def max_unpool(c: Context) -> Value:
    """Each value at the place of its window's maximum, zeros elsewhere."""
    from ...layers import MaxUnpooling2D

    x = c.image()
    places = c.ordered(c.value(1), CHANNELS_LAST[4], "_places")
    size = c.attribute("size")
    layer = MaxUnpooling2D(
        c.attribute("window"), (size[0], size[1]), data_format="channels_last", name=c.name
    )
    return c.like(x, c.call(layer, x.tensor, places.tensor), positive=x.positive)


KINDS = {MAX_POOL_WITH_PLACES: max_pool_with_places, MAX_UNPOOL: max_unpool}
