"""Edits that rules propose where no setting of the scenario stands for them: images, annotations, policies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from simsticky.manifests.objects import KubernetesObject
from simsticky.manifests.patches import Patch, can_merge, container_patch, merged
from simsticky.scenario.report import ManifestObject


def patch_of(obj: KubernetesObject, body: Mapping[str, Any]) -> Patch:
    """Return an edit of an object."""
    place = obj.place()
    return Patch(obj.kind, obj.name, obj.namespace or "", place.file, place.line, body)


def patch_of_container(read: ManifestObject | None, fields: Mapping[str, Any]) -> tuple[Patch, ...]:
    """Return an edit of the container that a section was read from; none where its kind has no merge by name."""
    if read is None or not can_merge(read):
        return ()
    return (Patch(read.kind, read.name, read.namespace, read.file, read.line, container_patch(read, fields)),)


def retagged(image: Any, tag: str) -> str:
    """Return an image's name with another tag; empty where it is no name."""
    if not isinstance(image, str) or "@" in image:
        return ""
    folder, slash, last = image.rpartition("/")
    return f"{folder}{slash}{last.partition(':')[0]}:{tag}"


def one_for_each_object(found: Iterable[Patch]) -> list[Patch]:
    """Return the edits with those of one object put together, in the order in which the objects come first.

    Where two edits set the same field, the first wins: callers put the worst finding first.
    """
    together: dict[tuple[str, str, str, str], Patch] = {}
    for patch in found:
        key = (patch.kind, patch.namespace, patch.name, patch.file)
        before = together.get(key)
        body = patch.body if before is None else merged(patch.body, before.body)
        first = before or patch
        together[key] = Patch(first.kind, first.name, first.namespace, first.file, first.line, body)
    return list(together.values())
