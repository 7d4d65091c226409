"""The preStop hook of a container, read from its manifest.

Source of the API server's rules and texts: Kubernetes, core/validation.go.
"""

import re
from collections.abc import Mapping
from typing import Any

from simsticky.manifests.findings import Findings
from simsticky.manifests.hints import Hint
from simsticky.manifests.hooks import length_of
from simsticky.manifests.objects import KubernetesObject
from simsticky.scenario.location import Keys, Place

_GRACE: Keys = ("spec", "template", "spec", "terminationGracePeriodSeconds")
_SHELLS = {"sh", "bash", "ash", "dash", "ksh", "zsh"}
_ENDS = re.compile(
    r"^(\S*/)?(kill(?! -(0|l|HUP|1|USR\d)\b)|pkill|killall|(nginx|openresty) .*-s (quit|stop)|apachectl .*stop)",
    re.ASCII,
)
"""Commands that tell a process to end: signals, and the servers' own ways to send them."""
_NO_SHELL = re.compile(r"distroless|scratch|chainguard|cgr\.dev", re.IGNORECASE)
"""Names of images that hold no shell: distroless, Chainguard's, those built from scratch."""


def read_hook(found: Findings, obj: KubernetesObject, keys: Keys, way_out: str) -> tuple[dict[str, Any], Place] | None:
    """Return a preStop hook as the scenario writes it, and its place; None if it is wrong, which is reported.

    Args:
        found: Where the findings go.
        obj: What holds the pod template.
        keys: Path of the hook, which is there.
        way_out: What to write where its length is not in the manifest.
    """
    hook = obj.get(*keys)
    if not isinstance(hook, Mapping):
        found.look(obj, keys)
        found.problem(obj, keys, "must be a mapping")
        return None
    given = [handler for handler in ("sleep", "exec", "httpGet", "tcpSocket") if hook.get(handler) is not None]
    if len(given) != 1:
        found.look(obj, keys)
        text = "must specify a handler type" if not given else "may not specify more than 1 handler type"
        found.problem(obj, keys, text, Hint.HANDLERS.of())
        return None
    if given == ["sleep"]:
        return _sleep_hook(found, obj, (*keys, "sleep"))
    if given == ["exec"]:
        return _exec_hook(found, obj, (*keys, "exec"), way_out)
    keys = (*keys, given[0])
    if given == ["httpGet"]:
        path = obj.get(*keys, "path") or "/"
        text = f"the length of this preStop hook cannot be read: it lasts until the application has answered GET {path}"
        found.look(obj, keys)
        found.problem(obj, keys, text, way_out)
        return None
    found.read(obj, keys, "the kubelet does not run tcpSocket hooks: it fails")
    found.say_aloud(obj, keys, "the kubelet does not run tcpSocket hooks: the hook fails, and SIGTERM comes at once")
    return {"fails": True}, obj.place(*keys)


def _sleep_hook(found: Findings, obj: KubernetesObject, keys: Keys) -> tuple[dict[str, Any], Place] | None:
    seconds = obj.get(*keys, "seconds")
    place = obj.place(*keys, "seconds")
    if isinstance(seconds, bool) or not isinstance(seconds, int):
        found.look(obj, keys)
        given = "nothing" if seconds is None else repr(seconds)
        found.problem(obj, (*keys, "seconds"), f"must be a whole number, got {given}")
        return None
    found.read(obj, (*keys, "seconds"), f"{seconds}s")
    grace = obj.get(*_GRACE)
    grace = 30 if not isinstance(grace, int) else grace
    if not 0 <= seconds <= grace:
        text = f"Invalid value: {seconds}: must be non-negative and less than terminationGracePeriodSeconds ({grace})"
        found.problem(obj, (*keys, "seconds"), text, Hint.GRACE_OR_SLEEP.of())
        return None
    return {"sleep": seconds}, place


def _exec_hook(found: Findings, obj: KubernetesObject, keys: Keys, way_out: str) -> tuple[dict[str, Any], Place] | None:
    keys = (*keys, "command")
    command = obj.get(*keys)
    found.look(obj, keys)
    if not isinstance(command, list) or not command or not all(isinstance(word, str) for word in command):
        found.problem(obj, keys, "must be a list of words", Hint.QUOTED_WORDS.of())
        return None
    length = length_of(command)
    if length.seconds is None:
        text = f"the length of this preStop hook cannot be read: {length.why_not}"
        found.problem(obj, keys, text, way_out)
        return None
    found.read(obj, keys, f"{length.seconds:g}s")
    for other in length.others:
        if _ENDS.search(other):
            text = f"`{other}` may end the application before the hook is over; it is taken to leave it alone"
            found.say_aloud(obj, keys, text)
        else:
            found.assume(obj, keys, f"`{other}` is taken to need no time and to leave the application alone")
    if length.fails:
        text = "`sleep` without a length fails, and SIGTERM comes at once; behind sh -c one word is the whole script"
        found.say_aloud(obj, keys, text)
        return {"fails": True}, obj.place(*keys)
    return {"sleep": length.seconds}, obj.place(*keys)


def look_for_a_shell(found: Findings, obj: KubernetesObject, container: Keys, keys: Keys) -> None:
    """Warn where the hook needs a shell and the image's name says that it has none."""
    program = program_in_question(obj.get(*container, "image"), obj.get(*keys, "exec", "command"))
    if program:
        text = f"{program} is taken to be in the image; without it the hook fails and SIGTERM comes at once, which is"
        found.assume(obj, (*keys, "exec", "command"), f"{text} deployment: {{preStop: {{fails: true}}}}")


def program_in_question(image: Any, command: Any) -> str:
    """Return the shell or the sleep that a hook runs though its image's name says that it has none; else nothing."""
    if not isinstance(image, str) or not isinstance(command, list) or not _NO_SHELL.search(image):
        return ""
    program = str(command[0]).rpartition("/")[2] if command else ""
    return program if program in _SHELLS or program == "sleep" else ""
