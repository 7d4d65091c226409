"""The one grammar of `--vary`: what is a range, a list or a value, and what the numbers of a range are."""

import pytest
from small_scenario import small

from simsticky.errors import InputError
from simsticky.study.design import plan
from simsticky.study.recommend.knobs import SearchSpace
from simsticky.study.settings import Fixed, Range, Values, following, parse_vary, settings_of


def read(*texts, scenario=None):
    """What `--vary` flags mean for a scenario."""
    return settings_of(scenario or small(), parse_vary(texts), "--vary")


def wrong(*texts):
    """What is wrong with `--vary` flags, in one text."""
    with pytest.raises(InputError) as caught:
        read(*texts)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "low", "high", "step", "written"),
    [
        ("deployment.preStop=0s..30m", 0, 1800, None, "0s..30m"),
        ("deployment.preStop = 0s .. 30m / 15s", 0, 1800, 15, "0s..30m/15s"),
        ("deployment.grace=30s..10m/1m", 30, 600, 60, "30s..10m/1m"),
        ("deployment.terminationGracePeriodSeconds=30..600/60", 30, 600, 60, "30s..10m/1m"),
        ("traffic.sessions.rate=4/s..8/s", 4, 8, None, "4/s..8/s"),
        ("traffic.sessions.rate=4/s..8/s/1/s", 4, 8, 1, "4/s..8/s/1/s"),
        ("traffic.sessions.rate=60/min..8/s/30/min", 1, 8, 0.5, "1/s..8/s/30/min"),
        ("traffic.sessions.rate=4..8/2", 4, 8, 2, "4/s..8/s/2/s"),
        ("deployment.replicas=2..8/2", 2, 8, 2, "2..8/2"),
        ("app.startup=1s..5s", 1, 5, None, "1s..5s"),
        ("traffic.requests=2..20/2", 2, 20, 2, "2..20/2"),
    ],
)
def test_ranges_are_read_in_the_unit_of_their_field(text, low, high, step, written):
    """Slashes are steps but for those of a rate; a number of seconds, of requests and of pods are told apart."""
    (found,) = read(text)
    assert isinstance(found, Range)
    assert (found.low, found.high, found.step) == pytest.approx((low, high, step))
    assert str(found) == written
    (again,) = read(f"{found.path}={found}")
    assert again == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("deployment.preStop=0s,15s", Values("deployment.preStop", ("0s", "15s"))),
        ("deployment.maxSurge=1, 25%", Values("deployment.maxSurge", (1, "25%"))),
        ("kic.enableDrainSupport=true,false", Values("kic.enableDrainSupport", (True, False))),
        (
            "traffic.think={p50: 5s, p99: 30s},7s",
            Values("traffic.think", ({"p50": "5s", "p99": "30s"}, "7s")),
        ),
        ('deployment.grace="preStop + 30s",1m', Values("deployment.grace", ("preStop + 30s", "1m"))),
        ("deployment.grace=preStop + 30s", Fixed("deployment.grace", "preStop + 30s")),
        ("deployment.replicas=3", Fixed("deployment.replicas", 3)),
        ("thresholds.broken_sessions=> 1%,> 2%", Values("thresholds.broken_sessions", ("> 1%", "> 2%"))),
    ],
)
def test_values_are_yaml(text, found):
    """Commas part values outside brackets and quotes only; one value is what every run gets."""
    assert read(text) == (found,)


@pytest.mark.parametrize(
    ("texts", "told"),
    [
        (["deployment.preStop"], "no key=values"),
        (["deployment.preStop="], "no key=values"),
        (["=3"], "no key=values"),
        (["deployment.preStop=1s", "deployment.preStop=2s"], "is varied twice"),
        (["deployment.grace=1m", "deployment.terminationGracePeriodSeconds=2m"], "is varied twice"),
        (["deployment.preStop=1m..0s"], "1m is not below 0s"),
        (["deployment.preStop=0s..1x"], "'1x' has no unit we know"),
        (["deployment.preStop=0s..1m/0s"], "too small"),
        (["deployment.preStop=0s..1m/1x"], "'1x' has no unit we know"),
        (["deployment.preStop=0s..30s,1m"], "0s..30s is a range, which stands alone"),
        (["deployment.preStop=0s,"], "a value is missing"),
        (["deployment.preStop=0s,,1s"], "deployment.preStop"),
        (["upstream.algorithm=a..b"], "takes no numbers"),
        (["deployment.preStp=0s..1m"], "did you mean deployment.preStop?"),
    ],
)
def test_what_is_no_setting_is_told(texts, told):
    """Each kind of mistake has its word, behind the flag and the setting."""
    assert told in wrong(*texts)
    assert wrong(*texts).startswith("--vary")


def test_all_that_is_wrong_is_told_at_once():
    """Two wrong settings are two lines."""
    assert len(wrong("deployment.preStop=1m..0s", "deployment.grace=1s..1x").splitlines()) == 2


def test_python_has_the_same_grammar():
    """Texts as on the command line, a list for values, a tuple for a range; anything else is a value."""
    asked = {
        "deployment.preStop": "0s..1m/15s",
        "deployment.grace": "preStop + 30s",
        "deployment.replicas": (2, 8),
        "deployment.maxSurge": [1, "25%"],
        "kic.enableDrainSupport": True,
        "kic.proxySyncSeconds": ("1s", "9s", "2s"),
    }
    prestop, grace, replicas, surge, drain, sync = settings_of(small(), asked)
    assert (str(prestop), str(replicas), str(sync)) == ("0s..1m/15s", "2..8", "1s..9s/2s")
    assert (grace, drain) == (
        Fixed("deployment.grace", "preStop + 30s"),
        Fixed("kic.enableDrainSupport", True),
    )
    assert surge == Values("deployment.maxSurge", (1, "25%"))
    with pytest.raises(InputError, match="a tuple is a range"):
        settings_of(small(), {"deployment.preStop": ("0s", "1s", "2s", "3s")})


def test_every_verb_reads_steps_alike():
    """A grid visits the steps that a search turns, and a drawn design draws nothing else."""
    asked = {"deployment.preStop": "0s..50s/20s"}
    steps = ["0s", "20s", "40s", "50s"]
    assert [point["deployment.preStop"] for point in plan(small(), asked, "grid", None, 7).points] == steps
    (knob,) = SearchSpace.of(small(deployment__grace="60s"), asked).knobs
    assert list(knob.values) == steps
    drawn = [point["deployment.preStop"] for point in plan(small(), asked, "lhs", 16, 7).points]
    assert sorted(drawn, key=steps.index) == [step for step in steps for _ in range(4)]


def test_a_set_value_that_follows_what_is_varied_follows():
    """`--set deployment.grace='preStop + 30s'` beside a varied preStop is worked out anew in every run."""
    changes = {"deployment.grace": "preStop + 30s", "deployment.replicas": 5, "deployment.preStop": "1s"}
    fixed, follow = following(small(), changes, {"deployment.preStop": "0s,1m"})
    assert fixed == {"deployment.replicas": 5, "deployment.preStop": "1s"}
    assert follow == {"deployment.grace": "preStop + 30s"}
