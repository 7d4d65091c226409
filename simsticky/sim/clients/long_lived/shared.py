"""What all clients that hold a connection share."""

from simsticky.scenario.model import Scenario
from simsticky.sim.clients.departures import Departures
from simsticky.sim.clients.long_lived.severed import Severed
from simsticky.sim.clock import Clock
from simsticky.sim.gateway.gateway import Gateway
from simsticky.sim.plane.columns import Columns
from simsticky.sim.world import World

INFINITY = float("inf")


class Shared:
    """The parts of the run that their clients need, and what the scenario says of connections.

    Attributes:
        world: The run's.
        env: The clock.
        columns: The plane's.
        gateway: Where connects go.
        recorder: Takes the rows of connects, and of messages that the plane does not send.
        meter: Counts connects, and the time without a connection.
        departures: Lets sessions go.
        law: What a connect costs, in seconds of service; None where it costs as much as the session's first request.
        reconnect: How a client comes back.
        warm_up: How much slower a container is at first; None if it is not.
        timeout_s: How long a pod remembers a session after its last request; inf where state is outside the pods.
        severed: Follows those who have lost their connection.
    """

    def __init__(self, world: World, gateway: Gateway, departures: Departures) -> None:
        scenario: Scenario = world.scenario
        self.world = world
        self.env: Clock = world.env
        self.columns: Columns = gateway.columns
        self.gateway = gateway
        self.recorder = world.recorder
        self.meter = world.recorder.connections
        self.departures = departures
        self.law = scenario.traffic.connections.connect
        self.reconnect = scenario.traffic.connections.reconnect
        self.warm_up = scenario.app.warm_up
        self.timeout_s = scenario.app.session_timeout if scenario.app.state == "pod" else INFINITY
        self.severed = Severed(world)
