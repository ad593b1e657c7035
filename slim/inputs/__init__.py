"""Arrays from files: recipes say how an image becomes a network's input, samples stream a folder of them.

Data comes from a folder of `.npy`, `.npz` or image files; it goes, one `{input name: array}` at a time, to calibration,
to accuracy measurements and to `slim run`.
"""

from slim.inputs.recipe import Recipe, load_recipe
from slim.inputs.samples import Samples, samples

__all__ = ["Recipe", "Samples", "load_recipe", "samples"]
