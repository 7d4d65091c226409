"""What a scenario says, as the numbers that the rules of the hot path ask for."""

from simsticky.recording.open_rows import ROWS_AT_ONCE
from simsticky.sim.gateway.affinity import COOKIE, HASH
from simsticky.sim.gateway.patience import patience_s
from simsticky.sim.plane.fields import (
    BY_ASKING,
    BY_CONNECTION,
    BY_COOKIE,
    BY_KEY,
    BY_NOTHING,
    ENDLESS,
    ENOUGH,
    ENOUGH_LEFT,
    EXTERNAL,
    HEARS,
    LATENCY,
    LEAST_CONNECTIONS,
    MODE,
    OWN,
    PER_REQUEST,
    PICKS,
    PROMPT,
    READ_TIMEOUT,
    ROUND_ROBIN,
    SLOWDOWN,
    SUCCESSION,
    TIMEOUT,
    TURNS,
    WARM_FOR,
)
from simsticky.sim.world import World

INFINITY = float("inf")
_PICKS = {"least-connections": LEAST_CONNECTIONS, "latency": LATENCY}
_LEFT_AT_ONCE = 2_048
"""Sessions that have sent their last request at which those that are over are let go of."""


def tell_rules(world: World, affinity: str, *, asks_each_time: bool, endless: bool, closed: bool) -> None:
    """Tell the plane what the scenario says.

    Args:
        world: The run's.
        affinity: What the algorithm binds sessions by.
        asks_each_time: Whether it is one's own, which is handed each request.
        endless: Whether sessions never end.
        closed: Whether there is a closed population.
    """
    scenario, columns = world.scenario, world.columns
    rules, times = columns.rules.cells, columns.times.cells
    gateway, app = scenario.gateway, scenario.app
    by = {COOKIE: BY_COOKIE, HASH: BY_KEY}.get(affinity, BY_NOTHING)
    held = scenario.traffic.connections.long_lived
    rules[MODE] = BY_CONNECTION if held else BY_ASKING if asks_each_time else by
    rules[PICKS] = OWN if asks_each_time else _PICKS.get(scenario.upstream.algorithm, ROUND_ROBIN)
    rules[TURNS] = gateway.sticky_new_pick in ("round_robin", "in_order")
    one_worker = gateway.nodes * gateway.workers == 1 or gateway.front_balancer == "perConnection"
    rules[PER_REQUEST] = not one_worker and not held
    rules[ENDLESS], rules[SUCCESSION] = endless, closed and not endless
    rules[EXTERNAL], rules[HEARS] = app.state == "external", app.oom is not None and not held
    rules[ENOUGH], rules[ENOUGH_LEFT] = ROWS_AT_ONCE, _LEFT_AT_ONCE
    # State outside the pods does not expire with them, and is not left behind with them.
    times[TIMEOUT] = app.session_timeout if app.state == "pod" else INFINITY
    patience = patience_s(scenario)
    times[READ_TIMEOUT] = INFINITY if held else gateway.read_timeout
    times[PROMPT] = min(patience, times[READ_TIMEOUT])
    if app.warm_up is not None:
        times[SLOWDOWN], times[WARM_FOR] = app.warm_up.slowdown, app.warm_up.duration
