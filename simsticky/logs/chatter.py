"""What else stands in the streams that carry access logs: a gateway's own messages, which are no damage."""

import re

_CHATTER = re.compile(
    rb"""\s*(?:
    \#.*                                                      # a comment
    | \d{4}/\d\d/\d\d[ ]\d\d:\d\d:\d\d[ ]\[\w+\].*            # nginx's and Kong's error log
    | \[\d{4}-\d\d-\d\d[T ][^\]]*\](?:\[[^\]]*\])+.*          # Envoy's own log
    | (?:[\w-]+=(?:"[^"]*"|\S+)[ ]?){3,}                      # logfmt, such as Traefik's or Loki's
    | [IWEF]\d{4}[ ][\d:.]+[ ]+\d+[ ].*                       # klog: controllers
    | \d{4}-\d\d-\d\dT\S+\s+(?:info|warn|warning|error|debug|notice)\b.*  # Istio's own log, zap
    | (?:.*haproxy\[\d+\]:[ ])?(?:Server|Proxy|Backend|Health)[ ]\S+[ ].*  # HAProxy's own messages
    | .*haproxy\[\d+\]:[ ](?!.*\[\d\d/\w{3}/\d{4}:).*
    | \[(?:NOTICE|WARNING|ALERT)\][ ].*
    | nginx:[ ].*
    | [\[\]],?                                                # an array over several lines
    )\s*""",
    re.VERBOSE | re.DOTALL,
)


def is_chatter(line: bytes) -> bool:
    """Return whether a line that is no request is something else that belongs into such a stream."""
    return _CHATTER.fullmatch(line) is not None
