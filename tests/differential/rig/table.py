"""docs/differential.md: what was sent, and each rule with what it explains."""

from collections import defaultdict

HEAD = """# attache beside nginx and HAProxy, byte by byte

Made by `tests/differential/run --docs`; `make test` runs it without. {count} odd requests in {families} families, the
same bytes to attache, to nginx {nginx} and to HAProxy {haproxy}, each of which puts a bearer token on and has the same
recording upstream behind it. Compared are: who refuses, the class of the status, what arrives (request line, fields by
name in their order, framing, body, trailers), how many requests arrive, and whether the link then carries another one.

{same_nginx} are treated as nginx does, {same_haproxy} as HAProxy does, {same_both} alike by all three. The others, by the
rule that explains them; unexplained: {unexplained}. Whatever the peers do, none of the {count} made attache send two requests for one,
two framings, a byte behind a request, another Host, another Authorization, or a tag of its own.

Requests that stand under two rules are counted under both. `not whole` means that the upstream could tell.

| rule and reason | nginx differs | HAProxy differs | example | attache | nginx | HAProxy |
|---|--:|--:|---|---|---|---|
"""


def cell(text: str) -> str:
    shown = "".join(it if 0x20 <= ord(it) < 0x7F else f"\\x{ord(it):02x}" for it in text)
    return shown.replace("|", "\\|")


def render(cases: list, outcomes: dict, explained: list, unexplained: int, versions: dict) -> str:
    """`explained` is [(index, peer, aspect, rule)]."""
    different = defaultdict(set)
    for index, peer, _, _ in explained:
        different[peer].add(index)
    either = set().union(*different.values()) if different else set()
    text = HEAD.format(
        count=len(cases), families=len({it.family for it in cases}), nginx=versions["nginx"], haproxy=versions["HAProxy"],
        same_nginx=len(cases) - len(different["nginx"]), same_haproxy=len(cases) - len(different["HAProxy"]), same_both=len(cases) - len(either), unexplained=unexplained,
    )  # fmt: skip
    by_rule = defaultdict(lambda: defaultdict(set))
    reasons, shown = {}, {}
    for index, peer, aspect, rule in explained:
        by_rule[rule.title][peer].add(index)
        shown.setdefault((rule.title, index), aspect)
        reasons[rule.title] = reasons.get(rule.title) or rule.why
    for title, peers in by_rule.items():
        index = min(min(it) for it in peers.values())
        cells = [f"**{title}.** {reasons[title]}", str(len(peers["nginx"])), str(len(peers["HAProxy"])), cell(cases[index].title)]
        cells += [outcomes[it][index].told(shown[title, index]) for it in ("attache", "nginx", "HAProxy")]
        text += f"| {' | '.join(cells)} |\n"
    text += "\n## Families\n\n| family | requests | passed by attache | refused | cut or waiting |\n|---|--:|--:|--:|--:|\n"
    for family in dict.fromkeys(it.family for it in cases):
        verdicts = [outcomes["attache"][index].verdict for index, it in enumerate(cases) if it.family == family]
        passed, refused = verdicts.count("passed"), verdicts.count("refused")
        text += f"| {family} | {len(verdicts)} | {passed} | {refused} | {len(verdicts) - passed - refused} |\n"
    return text
