"""What a figure has drawn, and the frames read the slow way."""

NAMES = ("timeline", "sessions_on_old_pods", "load_skew", "cumulative_incidence", "break_causes")
"""The figures of one run."""
OF_SWEEPS = ("trade_off", "tornado")
"""The figures of a sweep."""


def line(ax, gid):
    """The only line with a gid."""
    (found,) = [one for one in ax.lines if one.get_gid() == gid]
    return found


def load_at(result, pod, times):
    """The sessions on a pod at some moments, read from the frame the slow way."""
    rows = result.load[result.load["pod"] == pod]
    return [rows.loc[rows["time_s"] <= at_s, "sessions"].iloc[-1] for at_s in times]
