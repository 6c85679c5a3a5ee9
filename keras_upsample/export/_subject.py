"""The subject of an export: the model's program, its meaning, and its reference outputs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..examples._cases import Images
from ..formats._inside import Inside, plan_scaling
from ..lowering._head import add_head
from ..program._program import Program, program_of
from ..program._signature import Signature, signature_to_run
from ..targets import Target
from ._given import read_examples
from ._known import Known, known, output_names, scores_of, with_meaning
from ._options import Options
from ._pixel_reference import reference_of
from ._reference import Reference
from ._resizable import open_sizes, signature_for
from ._source import as_model


@dataclass(frozen=True)
class Subject:
    """A model to export, with everything that its files need.

    Attributes:
        program: program of the model with the head that the user chose.
        known: completed metadata of the model without the head.
        inside: scaling of pixels inside the files; None if there is none.
        reference: outputs of the model.
        representative_data: images for calibration, see `Given.learnt`.
    """

    program: Program
    known: Known
    inside: Inside | None
    reference: Reference
    representative_data: Any
    _plain: Signature
    _resizable: bool

    def for_target(self, target: Target, batch_size: int | None) -> Program:
        """The program at the sizes of one target."""
        signature = self.program.signature
        if self._resizable:
            signature = signature_for(target, signature, self._plain, batch_size or 1)
        if target.static:
            signature = signature.fixed()
        return self.program if signature == self.program.signature else self.program.at(signature)


def subject_of(
    model: Any,
    targets: Sequence[Target],
    images: Images,
    options: Options,
    check_places: Callable[[Program], None],
) -> Subject:
    """Read a model, its metadata and the images for its files.

    Args:
        model: any Keras model, or the path of one, see `load_source`.
        targets: targets of the files.
        images: images for verification, see `verify`.
        options: options of the user.
        check_places: raises if a file can't be written to its path; called before images are read.

    Raises:
        ValueError, TypeError: an argument does not fit the model; nothing was done.
    """
    options.check(targets)
    program, found, plain = program_to_export(model, options)
    check_places(program)
    names = output_names(program.model)
    inside = plan_scaling(program.signature, program.metadata, names, options.scaling, targets)
    given = read_examples(program.signature, images, options.representative_data)
    reference = reference_of(program, given.images, inside, given.source)
    data = given.learnt(program.model, program.signature, targets)
    return Subject(program, found, inside, reference, data, plain, options.resizable)


def program_to_export(model: Any, options: Options) -> tuple[Program, Known, Signature]:
    """Read a model and its metadata, and append the head.

    Returns:
        The program, the metadata of the model without the head, and its signature with the sizes
        that the user fixed.

    Raises:
        ValueError, TypeError: an option does not fit the model.
    """
    model = as_model(model, options.input_shape)
    plain = signature = signature_to_run(model, options.input_shape, options.batch_size)
    if options.resizable:
        signature = open_sizes(model, plain)
    program = program_of(model, signature)
    found = known(program, options.metadata)
    program = with_meaning(program, found.metadata)
    program = add_head(program, options.head, scores_of(found, options.head, options.threshold))
    return program, found, plain
