"""Each rule of ``lint`` finds what it is about, on its line, and nothing in an application without a fault."""

from pathlib import Path
from typing import NamedTuple

import pytest

from simsticky.annotations.record import Severity
from simsticky.lint.rules import RULES
from tests.unit.lint.small import CLEAN, SCALER, edited, found_in, line_of, numbers, one_of

Edits = tuple[tuple[str, str], ...]


class Case(NamedTuple):
    """Edits after which a rule finds something, where, and what it says of it."""

    rule: str
    edits: Edits
    at: str
    says: str
    evidence: str = ""
    more: str = ""


_HOOK = 'lifecycle: {preStop: {exec: {command: [sh, -c, "sleep 30"]}}}'
_ANNOTATION = "annotations: {konghq.com/upstream-policy: sticky}"
_STATEFUL: Edits = (
    ("kind: Deployment\nmetadata:\n  name: web\nspec:\n", "kind: StatefulSet\nmetadata:\n  name: web\nspec:\n  MOST\n"),
    ("  MOST", "  serviceName: web\n  updateStrategy: {rollingUpdate: {maxUnavailable: 50%}}"),
)
_SECOND = """\
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: pay}
spec:
  replicas: 2
  selector: {matchLabels: {app: pay}}
  template:
    metadata: {labels: {app: pay}}
    spec:
      terminationGracePeriodSeconds: 90
      containers:
        - name: pay
          image: registry.test/pay:1
          ports: [{name: http, containerPort: 8080}]
          readinessProbe: {httpGet: {path: /, port: http}}
          lifecycle: {preStop: {sleep: {seconds: 20}}}
---
apiVersion: v1
kind: Service
metadata:
  name: pay
  annotations: {konghq.com/upstream-policy: pay-sticky}
spec: {selector: {app: pay}, ports: [{port: 80, targetPort: http}]}
---
apiVersion: configuration.konghq.com/v1beta1
kind: KongUpstreamPolicy
metadata: {name: pay-sticky}
spec:
  algorithm: sticky-sessions
  hashOn: {input: none}
  stickySessions: {cookie: session_id} # of pay
"""
_INGRESS_OF_PAY = """\
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: pay}
spec:
  rules:
    - http:
        paths: [{path: /pay, pathType: Prefix, backend: {service: {name: pay, port: {number: 80}}}}]
"""
_ROUTE = """\
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: both}
spec:
  rules:
    - backendRefs:
        - {name: web, port: 80, weight: 9}
        - {name: pay, port: 80, weight: 1}
"""
_DAEMONS = """\
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: daemons}
spec:
  selector: {matchLabels: {app: web, kind: daemon}}
  template:
    metadata: {labels: {app: web, kind: daemon}}
    spec: {containers: [{name: web, image: registry.test/web:1, ports: [{name: http, containerPort: 8080}]}]}
"""
_HYBRID = """\
---
apiVersion: gateway-operator.konghq.com/v2beta1
kind: GatewayConfiguration
metadata: {name: kong}
spec:
  konnect: {authRef: {name: konnect}}
"""
_OPERATOR = """\
---
apiVersion: gateway-operator.konghq.com/v2beta1
kind: ControlPlane
metadata: {name: kong}
spec: {}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: operator}
spec:
  selector: {matchLabels: {app: operator}}
  template:
    metadata: {labels: {app: operator}}
    spec: {containers: [{name: manager, image: "kong/kong-operator:2.0.5"}]}
"""
_CONTROLLER_IMAGE = "kong/kubernetes-ingress-controller:3.5.9"
_HASHED: Edits = (
    ("algorithm: sticky-sessions\n  hashOn: {input: none}", "algorithm: consistent-hashing\n  hashOn: {input: ip}"),
    ("  stickySessions: {cookie: session_id}\n", ""),
)
_CHECKED: Edits = (("stickySessions: {cookie", "healthchecks: {threshold: 50}\n  stickySessions: {cookie"),)

CASES = [
    Case("SS001", (("  hashOn: {input: none}\n", ""),), "stickySessions:", "hashOn is missing", "API server answers"),
    Case("SS001", (("{input: none}", "{cookie: a, cookiePath: /}"),), "hashOn:", "hashOn has cookie and cookiePath"),
    Case("SS001", (("{input: none}", "{input: ip}"),), "hashOn:", "hashOn.input is not none"),
    Case("SS002", ((_CONTROLLER_IMAGE, "kong/kubernetes-ingress-controller:3.4.1"),), "image: kong/kub", "3.4.1", "<"),
    Case("SS002", (("kong-gateway:3.12", "kong-gateway:3.10"),), "image: kong/kong-g", "Kong Gateway 3.10", "3.10 <"),
    Case("SS002", (("kong/kong-gateway:3.12", "kong:3.9"),), "image: kong:3.9", "open-source"),
    Case("SS002", (("kong/kong-gateway:3.12", "docker.io/kong/kong"),), "image: docker.io", "open-source"),
    Case("SS003", (("          args: [--enable-drain-support]\n", ""),), "name: kong\n", "is off", "3s ÷ 2"),
    Case("SS003", (("[--enable-drain-support]", "[--enable-drain-support=false]"),), "args:", "off"),
    Case("SS004", (("Seconds: 90", "Seconds: 30"),), "terminationGrace", "30s of the 30s", "max(30s − 30s, 2s) = 2s"),
    Case("SS005", ((_HOOK, "imagePullPolicy: Always"),), "apiVersion: apps/v1", "at once", "sync 3s"),
    Case("SS005", (("sleep 30", "sleep 1"),), "command:", "1s after the deletion"),
    Case(
        "SS006",
        (("policy: sticky}", 'policy: sticky, ingress.kubernetes.io/service-upstream: "true"}'),),
        "annotations:",
        "void",
        "targets: 1",
    ),
    Case("SS007", (), "backendRefs", "web: sticky, pay: pay-sticky", more=_SECOND + _ROUTE),
    Case("SS008", _HASHED, "args:", "keeps no session", "of 4 pods one goes: "),
    Case("SS009", (), "replicas: 4", "replicas is 4", "8 − 4 = 4, 50 %", more=SCALER),
    Case("SS010", (("Seconds: 90", "Seconds: 700"),), "terminationGrace", "cluster autoscaler", "11m40s > 10m"),
    Case(
        "SS010",
        (
            (
                "      containers:\n        - name: web",
                "      nodeSelector: {karpenter.sh/capacity-type: spot}\n      containers:\n        - name: web",
            ),
            ("Seconds: 90", "Seconds: 300"),
        ),
        "terminationGrace",
        "spot",
        "5m > 2m",
    ),
    Case("SS011", (("replicas: 4", "replicas: 1"),), "replicas: 1", "replicas is 1", "100 %"),
    Case("SS011", (("replicas: 4", "replicas: 4\n  strategy: {type: Recreate}"),), "strategy:", "Recreate", "30s"),
    Case("SS012", (("registry.test/web:1", "gcr.io/distroless/web:1"),), "command:", "says that it has none"),
    Case(
        "SS013",
        (("replicas: 4", "replicas: 4\n  strategy: {rollingUpdate: {maxUnavailable: 10%}}"),),
        "strategy:",
        "10% of 4 pods is 0",
        "10% × 4 = 0.4",
    ),
    Case("SS014", (("session_id", "session-id"),), "stickySessions:", "$cookie_session_id is another"),
    Case(
        "SS015",
        (("algorithm: sticky-sessions\n", "algorithm: sticky-sessions\n  hashOnFallback: {input: ip}\n"),),
        "hashOnFallback:",
        'must be set to "consistent-hashing"',
    ),
    Case(
        "SS016",
        (*_CHECKED, (_CONTROLLER_IMAGE, "kong/kubernetes-ingress-controller:3.5.2")),
        "healthchecks:",
        "never reaches",
        "3.5.2 < 3.5.3",
    ),
    Case("SS017", (), "konnect:", "Konnect is the control plane", more=_HYBRID),
    Case("SS018", _STATEFUL, "updateStrategy:", "most releases", "4 steps instead of 2"),
    Case("SS019", (("replicas: 4", "replicas: 12"),), "replicas: 12", "outside the 2 to 8", "12 − 8 = 4", SCALER),
    Case("SS019", (("replicas: 4", "replicas: 1"),), "replicas: 1", "outside the 2 to 8", "1 → 2", SCALER),
    Case(
        "SS020",
        (
            (_ANNOTATION, "labels: {a: b}"),
            ("  selector: {app: web}\n  ports", "  sessionAffinity: ClientIP\n  selector: {app: web}\n  ports"),
        ),
        "sessionAffinity:",
        "ClientIP",
        "1 − 1/4 = 75 %",
    ),
    Case("SS021", (), "apiVersion: apps/v1\nkind: DaemonSet", "not looked at", more=_DAEMONS),
    Case(
        "SS022",
        (("readinessProbe: {httpGet: {path: /, port: http}}", "imagePullPolicy: Always"),),
        "apiVersion: apps/v1",
        "no readiness probe",
    ),
    Case("SS023", (), "cookie: session_id} # of pay", "both set the cookie session_id", more=_SECOND + _INGRESS_OF_PAY),
    Case("SS025", ((_CONTROLLER_IMAGE, "kong/kubernetes-ingress-controller:2.11"),), "args:", "new in 3.5.0", "2.11 <"),
    Case(
        "SS025",
        (
            (_CONTROLLER_IMAGE, "kong/kubernetes-ingress-controller:3.4.0"),
            ("args: [--enable-drain-support]", 'env: [{name: CONTROLLER_ENABLE_DRAIN_SUPPORT, value: "true"}]'),
        ),
        "env:",
        "CONTROLLER_ENABLE_DRAIN_SUPPORT is new",
    ),
    Case("SS026", (("preStop:", "preStopHook:"),), "lifecycle:", "did you mean preStop?"),
    Case("SS027", (("targetPort: http", "targetPort: web"),), "ports: [{port: 80", "every request is a 503"),
    Case("SS028", (('"sleep 30"', '"/drain.sh"'),), "command:", "cannot be read"),
    Case(
        "SS029",
        (("kind: Ingress\nmetadata:\n", f"kind: Ingress\nmetadata:\n  {_ANNOTATION}\n"),),
        "annotations: {konghq.com/upstream-policy: sticky}\n  name: web\nspec:\n  ing",
        "no effect on Ingress",
    ),
    Case(
        "SS031",
        (
            (
                "stickySessions: {cookie",
                "healthchecks: {active: {unhealthy: {interval: 10, timeouts: 3}}}\n  stickySessions: {cookie",
            ),
        ),
        "healthchecks:",
        "neither error answers nor refused",
    ),
    Case("SS032", (*_HASHED, ("hashOn: {input: ip}", "hashOn: {input: none}")), "algorithm:", "nothing to hash"),
    Case(
        "SS032",
        (*_HASHED, ("hashOn: {input: ip}", "hashOn: {input: ip}\n  slots: 100"), ("replicas: 4", "replicas: 9")),
        "slots: 100",
        "points",
    ),
    Case("SS030", (("policy: sticky}", "policy: stcky}"),), "annotations:", "no KongUpstreamPolicy stcky"),
]


def _line(text: str, at: str) -> int:
    if at == "args:" or at.startswith("image: "):
        return text[: text.rindex(at)].count("\n") + 1
    if at == "name: kong\n":
        return text[: text.rindex("apiVersion: apps/v1")].count("\n") + 1
    return line_of(text, at)


@pytest.mark.parametrize("case", CASES, ids=[f"{case.rule}-{i}" for i, case in enumerate(CASES)])
def test_a_rule_finds_what_it_is_about(case: Case, tmp_path: Path) -> None:
    text = edited(CLEAN, *case.edits) + case.more
    one = one_of(found_in(tmp_path, text), case.rule)
    assert one.line == _line(text, case.at)
    assert case.says in one.message
    assert case.evidence in one.evidence
    assert one.fix
    assert one.subject


def test_nothing_is_found_where_nothing_is_wrong(tmp_path: Path) -> None:
    assert not found_in(tmp_path, CLEAN).findings


def test_every_rule_has_a_case() -> None:
    # SS024 needs a scenario, which says how long sessions are: test_lint_scenarios.py.
    assert {case.rule for case in CASES} | {"SS024"} == set(RULES)


@pytest.mark.parametrize(
    ("rule", "edits", "more"),
    [
        ("SS002", ((_CONTROLLER_IMAGE, "kong/kubernetes-ingress-controller:3"),), ""),  # 3 may be 3.5
        ("SS002", ((_CONTROLLER_IMAGE, "kong/kubernetes-ingress-controller:latest"),), ""),
        ("SS002", (("kong/kong-gateway:3.12", "registry.test/platform/kong:3.12"),), ""),  # may be any
        ("SS003", _HASHED, ""),
        ("SS003", (), _HYBRID),  # SS017 says it
        ("SS004", (("Seconds: 90", "Seconds: 31"),), ""),
        ("SS005", (('[sh, -c, "sleep 30"]', "[/drain.sh]"),), ""),  # nobody knows how long that takes
        ("SS006", (("policy: sticky}", 'policy: sticky, ingress.kubernetes.io/service-upstream: "false"}'),), ""),
        ("SS009", (("  replicas: 4\n", ""),), SCALER),
        (
            "SS009",
            (("metadata:\n  name: web\nspec:\n  replicas", "metadata:\n  name: web\n  uid: a\nspec:\n  replicas"),),
            SCALER,
        ),
        ("SS027", ((_ANNOTATION, 'annotations: {ingress.kubernetes.io/service-upstream: "true"}'),), ""),
        ("SS028", (), _DAEMONS),  # SS021 says it
        ("SS010", (("Seconds: 90", "Seconds: 600"),), ""),
        ("SS011", (("replicas: 4", "replicas: 1"),), SCALER),
        ("SS013", (("replicas: 4", "replicas: 4\n  strategy: {rollingUpdate: {maxUnavailable: 25%}}"),), ""),
        ("SS016", _CHECKED, ""),
        ("SS017", (), _OPERATOR),
        ("SS018", (*_STATEFUL[:1], ("  MOST", "  serviceName: web")), ""),
        ("SS020", ((_ANNOTATION, "labels: {a: b}"),), ""),  # nothing says that the application keeps sessions
        ("SS021", (), _DAEMONS.replace("app: web,", "app: other,")),
        ("SS031", _CHECKED, ""),
        ("SS032", _HASHED, ""),
        ("SS023", (), _SECOND + _ROUTE.replace("pay-sticky", "sticky")),  # one rule is one upstream
        ("SS023", (), (_SECOND + _INGRESS_OF_PAY).replace("session_id", "pay_id")),
    ],
)
def test_a_rule_is_silent_about_what_it_is_not_about(rule: str, edits: Edits, more: str, tmp_path: Path) -> None:
    assert rule not in numbers(found_in(tmp_path, edited(CLEAN, *edits) + more))


def test_an_operator_that_does_not_apply_its_default_has_drain_support_off(tmp_path: Path) -> None:
    app = CLEAN[: CLEAN.index("---\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: kong")]
    old = found_in(tmp_path, app + _OPERATOR)
    assert "Kong Operator 2.0.5 does not apply its default" in one_of(old, "SS003").message
    assert 'drainSupport: "enabled"' in old.patches[0].yaml
    assert "SS003" not in numbers(found_in(tmp_path, app + _OPERATOR.replace("2.0.5", "2.1.0")))


@pytest.mark.parametrize(("version", "drops"), [("2.0.5", True), ("2.0.6", False), ("1.6", True), ("2.1.0", False)])
def test_an_operator_drops_the_threshold_up_to_2_0_5(version: str, drops: bool, tmp_path: Path) -> None:
    app = CLEAN[: CLEAN.index("---\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: kong")]
    text = edited(app, *_CHECKED) + _OPERATOR.replace("2.0.5", version)
    assert ("SS016" in numbers(found_in(tmp_path, text))) is drops


def test_the_draining_ring_moves_what_kongs_own_lua_moves(tmp_path: Path) -> None:
    # facts/kong.md §4 [R]: of 20,000 keys and 4 pods 23.2 % move at once, 32.6 % where one drains; other addresses,
    # so another ring: two points of it are allowed (standard deviation of the ring 1.6 points).
    one = one_of(found_in(tmp_path, edited(CLEAN, *_HASHED)), "SS008")
    at_once, draining = (float(word) for word in one.evidence.split() if word.isdigit() and int(word) > 5)
    assert at_once == pytest.approx(23.2, abs=5)
    assert draining == pytest.approx(32.6, abs=6)


def test_a_policy_in_another_namespace_is_an_error(tmp_path: Path) -> None:
    text = edited(CLEAN, ("  name: sticky\n", "  name: sticky\n  namespace: other\n"),
                  ("  name: web\n  annotations", "  name: web\n  namespace: shop\n  annotations"))  # fmt: skip
    one = one_of(found_in(tmp_path, text), "SS030")
    assert one.severity is Severity.ERROR
    assert "is in namespace other" in one.message


def test_a_policy_that_nobody_names_is_looked_at_with_the_controller(tmp_path: Path) -> None:
    # The guide prints a policy and the controller's Deployment, and no application.
    policy = CLEAN[CLEAN.index("apiVersion: configuration") : CLEAN.index("---\napiVersion: networking")]
    controller = CLEAN[CLEAN.index("---\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: kong") :]
    text = edited(policy + controller, (_CONTROLLER_IMAGE, "kong/kubernetes-ingress-controller:2.11"),
                  ("  hashOn: {input: none}\n", ""), ("session_id", "session-id"))  # fmt: skip
    found = found_in(tmp_path, text)
    assert numbers(found) == {"SS001", "SS002", "SS014", "SS025"}
    assert one_of(found, "SS001").line == line_of(text, "stickySessions")
    assert one_of(found, "SS025").line == line_of(text, "args:")
    assert {patch.kind for patch in found.patches} == {"KongUpstreamPolicy", "Deployment"}


def test_a_workload_that_no_client_reaches_is_not_looked_at(tmp_path: Path) -> None:
    worker = _SECOND[: _SECOND.index("---\napiVersion: v1")].replace("readinessProbe", "livenessProbe")
    assert not found_in(tmp_path, CLEAN + worker).findings
