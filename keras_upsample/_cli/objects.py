"""The options of `keras-upsample predict` on objects and on test-time augmentation."""

from dataclasses import dataclass
from typing import Annotated, Any

import typer


@dataclass(frozen=True)
class ObjectChoice:
    """Options for objects of the class map, and for test-time augmentation."""

    objects: Annotated[
        bool,
        typer.Option(
            "--objects",
            help="Write the objects (connected components): outlines as GeoJSON, a table as CSV, a "
            "label image as TIFF. Needs SciPy.",
        ),
    ] = False
    object_classes: Annotated[
        str | None,
        typer.Option(
            help="Classes of --objects, names or numbers. Default: all but the background.",
            metavar="CLASS,CLASS,...",
        ),
    ] = None
    least_area: Annotated[
        int | None, typer.Option(help="Area of the smallest object to keep, in pixels. Default: 1.")
    ] = None
    connectivity: Annotated[
        int | None,
        typer.Option(help="Pixels connect at edges only (4), or at corners too (8). Default: 8."),
    ] = None
    augment: Annotated[
        str | None,
        typer.Option(
            help="Average over variants of the image: flip_horizontal, flip_vertical, rotate_90, "
            "rotate_180, rotate_270, transpose, transverse.",
            metavar="NAME,NAME,...",
        ),
    ] = None

    def arguments(self) -> dict[str, Any]:
        """The options that were given, as keyword arguments of `predict_to_files`.

        Raises:
            UserError: an option of objects is given without --objects.
            ValueError: it is not allowed.
        """
        from .models import UserError

        given: dict[str, Any] = {
            "least_area": self.least_area,
            "connectivity": self.connectivity,
            "classes": None if self.object_classes is None else self.object_classes.split(","),
        }
        given = {name: value for name, value in given.items() if value is not None}
        result: dict[str, Any] = {}
        if self.augment is not None:
            result["augment"] = tuple(name.strip() for name in self.augment.split(","))
        if given and not self.objects:
            option = "object-classes" if "classes" in given else next(iter(given))
            raise UserError(f"--{option.replace('_', '-')} is for --objects. Add it.")
        if self.objects:
            from ..predict import ObjectOptions

            if "classes" in given:
                given["classes"] = tuple(name.strip() for name in given["classes"])
            result["objects"] = ObjectOptions(**given)
        return result
