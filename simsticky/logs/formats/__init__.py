"""The formats of logs: one module each, which knows lines and nothing of sessions."""

from simsticky.logs.formats import (
    aws_alb,
    combined,
    envoy,
    haproxy,
    ingress_nginx,
    kong_json,
    nginx_json,
    nginx_text,
    traefik,
)

FORMATS = (
    kong_json.FORMAT,
    envoy.FORMAT,
    traefik.FORMAT,
    nginx_json.FORMAT,
    ingress_nginx.FORMAT,
    haproxy.FORMAT,
    aws_alb.FORMAT,
    nginx_text.FORMAT,
    traefik.TEXT,
    combined.FORMAT,
)
"""What says most comes first; what every line of another format could be, last."""

BY_NAME = {each.name: each for each in FORMATS}
