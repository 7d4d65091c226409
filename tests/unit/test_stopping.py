"""Ctrl-C is answered, whatever it comes upon."""

import signal
import time
import weakref

import pytest

from simsticky.cli import stopping


@pytest.fixture
def usual():
    """Have the handlers that a command starts with."""
    numbers = {
        signal.SIGINT: signal.default_int_handler,
        signal.SIGTERM: signal.SIG_DFL,
        signal.SIGALRM: signal.SIG_DFL,
    }
    before = {number: signal.signal(number, handler) for number, handler in numbers.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def press():
    """Press Ctrl-C, and be interrupted at the latest at the next line."""
    signal.raise_signal(signal.SIGINT)


def wait(seconds):
    """Wait so long, in many small steps."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(0.01)


class Thing:
    """Something that can be forgotten."""


def in_a_callback():
    """Press it where no exception reaches anybody: as something is forgotten."""
    thing = Thing()
    kept = weakref.ref(thing, lambda _: press())
    del thing
    return kept


def in_a_bare_except():
    """Press it where somebody else's code takes whatever comes."""
    try:
        press()
    except:  # noqa: E722  # as it is found in some libraries
        return


@pytest.mark.parametrize("swallowed", [in_a_callback, in_a_bare_except])
def test_what_was_swallowed_comes_again(usual, swallowed):
    """The command does not go on to its end as if nobody had pressed it."""

    def command():
        with stopping.heard():
            swallowed()
            assert stopping.asked()
            wait(20)

    with pytest.raises(KeyboardInterrupt):
        command()


def test_who_deals_with_it_is_left_in_peace(usual):
    """What is put in order meanwhile, and takes long, is not interrupted by the same Ctrl-C."""
    tidied = []

    def command():
        with stopping.heard():
            try:
                press()
            finally:
                wait(0.7)
                tidied.append("all")

    with pytest.raises(KeyboardInterrupt):
        command()
    assert tidied
    wait(0.3)  # and nothing comes afterwards


def test_who_has_taken_it_may_go_on(usual):
    """It is not raised again once somebody has said so."""
    with stopping.heard():
        try:
            press()
        except KeyboardInterrupt:
            stopping.taken()
        wait(0.7)
    assert signal.getsignal(signal.SIGALRM) == signal.SIG_DFL
