"""Trained runs that ship with the lab, so that there is something to look at before any training.

`python -m paramixer_core.gallery` makes them anew, into `assets/gallery/`, from fixed seeds.
"""

from paramixer_core.gallery.recipes import GALLERY_FOLDER, RECIPES
from paramixer_core.gallery.shelf import Gallery, Shelf

__all__ = ["GALLERY_FOLDER", "RECIPES", "Gallery", "Shelf"]
