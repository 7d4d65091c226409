"""Label selectors, against Kubernetes' own rules (apimachinery, meta/v1/helpers_test.go, labels/selector_test.go)."""

import pytest

from simsticky.kubernetes.selectors import equality_selector, label_selector, selects, violations


def _expression(key, operator, *values):
    return {"key": key, "operator": operator, **({"values": list(values)} if values else {})}


@pytest.mark.parametrize(
    ("written", "labels", "expected"),
    [
        (None, {"app": "web"}, False),
        ({}, {"app": "web"}, True),
        ({}, {}, True),
        ({"matchLabels": None, "matchExpressions": None}, {"a": "b"}, True),
        ({"matchLabels": {"app": "web"}}, {"app": "web", "x": "y"}, True),
        ({"matchLabels": {"app": "web"}}, {"app": "api"}, False),
        ({"matchExpressions": [_expression("app", "In", "web", "api")]}, {"app": "api"}, True),
        ({"matchExpressions": [_expression("app", "In", "web")]}, {}, False),
        ({"matchExpressions": [_expression("app", "NotIn", "web")]}, {"app": "web"}, False),
        ({"matchExpressions": [_expression("app", "NotIn", "web")]}, {}, True),
        ({"matchExpressions": [_expression("app", "Exists")]}, {"app": ""}, True),
        ({"matchExpressions": [_expression("app", "Exists")]}, {"tier": "x"}, False),
        ({"matchExpressions": [_expression("app", "DoesNotExist")]}, {"app": "web"}, False),
        ({"matchExpressions": [_expression("app", "DoesNotExist")]}, {}, True),
        ({"matchLabels": {"a": "1"}, "matchExpressions": [_expression("b", "Exists")]}, {"a": "1"}, False),
        ({"matchLabels": {"a": "1"}, "matchExpressions": [_expression("b", "Exists")]}, {"a": "1", "b": "2"}, True),
    ],
    ids=str,
)
def test_a_label_selector_selects_by_all_of_its_conditions(written, labels, expected):
    """Labels and expressions must all be met; an empty selector selects everything, null nothing."""
    assert selects(label_selector(written), labels) is expected


@pytest.mark.parametrize(("written", "expected"), [(None, False), ({}, False), ({"app": "web"}, True)], ids=str)
def test_a_services_selector_is_plain_labels(written, expected):
    """A Service without a selector selects nothing."""
    assert selects(equality_selector(written), {"app": "web", "x": "y"}) is expected


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (_expression("app", "in", "web"), "not a valid selector operator"),
        (_expression("app", "In"), "must be specified when `operator` is 'In' or 'NotIn'"),
        (_expression("app", "Exists", "web"), "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"),
        (_expression("", "Exists"), "Required value"),
        ({"key": "app", "operator": "In", "values": [1]}, "must be a list of texts"),
        ("app", "must be a mapping"),
    ],
    ids=str,
)
def test_what_the_api_server_refuses_of_expressions(expression, text):
    """Each fault is told in the API server's words."""
    (found,) = violations({"matchExpressions": [expression]})
    assert text in found[1]


def test_a_selector_is_written_as_kubectl_writes_it():
    """For people: ``app=web, tier in (a,b), !old``."""
    expressions = [_expression("tier", "In", "a", "b"), _expression("old", "DoesNotExist")]
    selector = label_selector({"matchLabels": {"app": "web"}, "matchExpressions": expressions})
    assert str(selector) == "app=web, tier in (a,b), !old"
    assert str(label_selector({})) == "everything"
