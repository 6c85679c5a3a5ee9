"""The user's images for calibration and verification, read before any work is done."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..examples._cases import Images
from ..examples._item import takes_pictures
from ..examples._shown import GIVEN
from ..examples._sources import as_list
from ..program._signature import Signature
from ..quantization._calibration import calibration, some_of, training_set
from ..targets import Target


@dataclass(frozen=True)
class Given:
    """Images for verification and calibration, in sources that can be read repeatedly.

    Attributes:
        images: images for verification, None for the default.
        source: source of these images, in words; "" for the argument `images`.
        representative_data: images for calibration, None for the default.
    """

    images: Images
    source: str
    representative_data: Any

    def learnt(self, model: Any, signature: Signature, targets: Sequence[Target]) -> Any:
        """A `Calibration` if one is needed and its images are already here, else their source.

        The training images of a preset are downloaded only when they are needed.

        Raises:
            ValueError: the images do not fit the model, or a file needs calibration and there are
                no images for it.
        """
        data = self.representative_data
        at_hand = data is not None or not any(map(takes_pictures, signature.inputs))
        if not at_hand or training_set(model) or not any(t.calibrated for t in targets):
            return data
        return calibration(model, signature, data, self.images)


def read_examples(signature: Signature, images: Images, representative_data: Any) -> Given:
    """Read the user's examples.

    If the inputs take signals or volumes and no pictures, photographs can't be used. Without
    `images`, verification then uses some of `representative_data`.

    Args:
        signature: signature of the model.
        images, representative_data: see `KINDS`, or None.

    Raises:
        ValueError: they are of another kind.
    """
    images = as_list(images, signature, "images")
    data, source = as_list(representative_data, signature, "representative_data"), ""
    pictures = any(takes_pictures(s) and len(s.shape) == 4 for s in signature.inputs)
    if images is None and data is not None and not pictures:
        images, source = some_of(data, signature), GIVEN
    return Given(images, source, data)
