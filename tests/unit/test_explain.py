"""``simsticky explain`` and shell completion: what a person has read somewhere can be looked up as it stands there."""

import pytest
from small_scenario import small

from simsticky.cli import completing
from simsticky.cli.main import main
from simsticky.report.first_screen import headlines
from simsticky.report.labels import labels, metric_of
from simsticky.report.rows import rows_of, sections
from simsticky.results.metrics import METRICS
from simsticky.scenario.model import Scenario
from simsticky.scenario.paths.vocabulary import all_paths
from simsticky.study.replicate import replicate


def explained(capsys, name):
    assert main(["explain", name]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("drain_off", ("origin.drain_off\n", "without drain support")),
        ("target_removed", ("mechanism.target_removed\n",)),
        ("of alive, any cause", ("broken_any_cause\n",)),
        ("rollout done after", ("rollout_done_s\n",)),
        ("per rollout", ("broken_exposed_sessions\n",)),
        ("502 bad gateway, per run", ("failed.bad_gateway_502\n",)),
        ("deployment.preStop", ("deployment.preStop\n  The preStop hook.\n", "for example: 30s", "waitUntil")),
        ("deployment.pre_stop", ("deployment.preStop\n",)),
        ("preStop", ("deployment.preStop\n",)),
        ("deployment.grace", ("Short for terminationGracePeriodSeconds",)),
        ("upstream.algorithm", ("one of: round-robin, consistent-hashing", "sticky-sessions")),
        ("traffic.session", ("{p50: 6m, p95: 40m}",)),
        ("timeline.rollout", ("Name of the Deployment.",)),
        ("kic.enableDrainSupport", ("flag --enable-drain", "default: false")),
    ],
)
def test_metrics_rows_and_settings_have_a_page(capsys, name, told):
    """The page begins with the full name, and says what it is."""
    page = explained(capsys, name)
    assert all(part in page for part in told), page


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("broken_sesions", "did you mean broken_sessions?"),
        ("drain_of", "did you mean drain_off?"),
        ("deployment.prestop", "did you mean deployment.preStop?"),
        ("minReadySecond", "did you mean deployment.minReadySeconds?"),
        ("", "lists all"),
    ],
)
def test_what_is_not_known_is_told_with_the_nearest(capsys, name, hint):
    """A typo is answered with a name, and exit 2."""
    assert main(["explain", name]) == 2
    assert hint in capsys.readouterr().err


@pytest.mark.quick_cases(13)
@pytest.mark.parametrize("path", all_paths(Scenario)[::7])
def test_every_setting_that_can_be_set_has_a_page(capsys, path):
    """Whatever --set takes, explain knows; every seventh is tried."""
    assert explained(capsys, path).startswith(f"{path}\n")


def test_every_printed_row_can_be_looked_up():
    """Each label in the table of a study with breaks, failures and an operation names one metric, and the right one."""
    study = replicate(small(kic__enableDrainSupport=False, app__onSigterm="exit"), 2, jobs=1)
    headings = {"breaks by mechanism, per run", "breaks by origin, per run", "max/mean of", "sessions, serving"}
    rows = [*headlines(study).rows, *(row for section in sections(study) for row in rows_of(section))]
    assert len(rows) > 25
    for row in rows:
        label = row.cells[0].text
        if row.is_group:
            assert label in headings
            continue
        metric = metric_of(label)
        assert metric is not None, label
        assert row.definition in ("", METRICS[metric].definition), label


def test_labels_name_metrics_that_there_are():
    """No label stands for a metric that has gone."""
    assert set(labels().values()) <= set(METRICS)


def test_completion_offers_what_the_verbs_take():
    """Metrics, rows and settings for explain; settings with = for --set; shipped scenarios for init --example."""
    assert {"drain_off", "drain_window_too_short"} <= set(completing.explained("drain_"))
    assert "deployment.preStop=" in completing.changes("deployment.pre")
    assert "broken_sessions" in completing.metrics("brok")
    assert completing.shells("") == ["bash", "zsh", "fish"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_a_script(capsys, shell):
    """The script asks simsticky itself, by its variable."""
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert completing.VARIABLE in script
    assert f"complete_{shell}" in script


def test_another_shell_is_refused(capsys):
    """A shell without a script is bad input."""
    assert main(["completion", "tcsh"]) == 2
    assert "only for bash, zsh, fish" in capsys.readouterr().err
