"""Write a flood of Kong's JSON to standard output: some 400 bytes a line, two thousand sessions at a time.

python tests/logs/flood.py 5000000 | ...
"""

import random
import sys
from collections.abc import Iterator

_ALIVE = 2000
_PODS = 6
_LINE = (
    '{"started_at":%d,"client_ip":"203.0.%d.%d","latencies":{"request":%d,"kong":2,"proxy":%d},"tries":[{"ip":'
    '"10.244.0.%d","port":8080}],"request":{"method":"GET","uri":"/cart","headers":{"user-agent":"Mozilla/5.0 (X11)"'
    '%s}},"response":{"status":200,"headers":{"content-type":"text/html"%s}},"source":"upstream","service":{"name":'
    '"shop"},"upstream_status":"200"}\n'
)


def flood(count: int, seed: int = 1) -> Iterator[str]:
    """Yield lines: sessions of 20 requests in the mean, each on its pod, with a cookie of its own and the target's."""
    luck = random.Random(seed)
    alive = [(number, False) for number in range(_ALIVE)]
    following = _ALIVE
    for number in range(count):
        place = luck.randrange(_ALIVE)
        session, known = alive[place]
        pod = session % _PODS
        cookie = f',"cookie":"JSESSIONID={session:032x}; session_id=target-{pod}"' if known else ""
        given = (
            "" if known else f',"set-cookie":["JSESSIONID={session:032x}; Path=/","session_id=target-{pod}; Path=/"]'
        )
        took = 20 + number % 60
        yield _LINE % (
            1_788_256_800_000 + number * 5,
            session // 250 % 250,
            session % 250 + 1,
            took,
            took - 2,
            pod + 10,
            cookie,
            given,
        )
        if luck.random() < 0.05:
            alive[place] = (following, False)
            following += 1
        elif not known:
            alive[place] = (session, True)


if __name__ == "__main__":
    sys.stdout.writelines(flood(int(sys.argv[1])))
