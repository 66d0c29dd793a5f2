"""The results as Markdown, each with its ratio to nginx in the same run."""


def number(value, digits: int = 1) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def ratio(value, base) -> str:
    return "–" if value is None or not base else f"**{value / base:.2f}**"


def thousands(value) -> str:
    return "–" if value is None else f"{value / 1000:.1f} k"


def markdown(titles: list, rows: list) -> str:
    lines = ["| " + " | ".join(titles) + " |", "|" + "---|" * len(titles)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def per_request(rows: list, counters: bool, base_name: str = "nginx") -> str:
    base = next(row for row in rows if row["name"] == base_name)
    titles = ["proxy", "user instr/req"]
    titles += ["kernel instr/req", f"total ÷ {base_name}"] if counters else [f"÷ {base_name}"]
    titles += ["syscalls/req", "CPU µs/req", f"÷ {base_name}", "of it kernel", "req/s", "RSS MiB"]
    lines = []
    for row in rows:
        count = row["count"]
        line = [row["name"], thousands(count.user)]
        if counters:
            line += [thousands(count.kernel), ratio(count.total(), base["count"].total())]
        else:
            line += [ratio(count.user, base["count"].user)]
        line += [number(count.system_calls, 2), number(row["cpu"], 2), ratio(row["cpu"], base["cpu"])]
        line += [f"{row['kernel']:.0%}", f"{row['rate']:.0f}", number(row["rss"])]
        lines.append(line)
    return markdown(titles, lines)


def one_link(rows: list) -> str:
    base = next(row for row in rows if row["name"] == "nginx")["added"]
    return markdown(
        ["proxy", "median µs", "added µs", "÷ nginx"],
        [[row["name"], number(row["median"]), number(row["added"]), ratio(row["added"], base)] for row in rows],
    )


def one_gibibyte(rows: list) -> str:
    base = next(row for row in rows if row["name"] == "nginx")
    titles = ["proxy", "down CPU s", "÷ nginx", "down s", "up CPU s", "÷ nginx", "up s", "RSS MiB idle", "peak down", "peak up"]
    return markdown(
        titles,
        [
            [row["name"]]
            + [number(row["down"], 2), ratio(row["down"], base["down"]), number(row["down_wall"], 2)]
            + [number(row["up"], 2), ratio(row["up"], base["up"]), number(row["up_wall"], 2)]
            + [number(row[it]) for it in ("idle_rss", "down_rss", "up_rss")]
            for row in rows
        ],
    )


def idle_links(rows: list) -> str:
    titles = ["proxy", "links", "PSS MiB before", "MiB with them", "KB a link"]
    return markdown(
        titles,
        [
            [row["name"], str(row["links"]), number(row["before"] / 1024), number(row["after"] / 1024)]
            + [number((row["after"] - row["before"]) * 1024 / 1000 / row["links"])]
            for row in rows
        ],
    )


def fairness(rounds: list) -> str:
    titles = ["round", "links", "requests", "a link, mean", "least ÷ mean", "most ÷ mean"]
    lines = []
    for index, counts in enumerate(rounds):
        mean = sum(counts) / len(counts)
        line = [str(index + 1), str(len(counts)), str(sum(counts)), f"{mean:.0f}"]
        lines.append(line + [f"**{min(counts) / mean:.3f}**", f"**{max(counts) / mean:.3f}**"])
    return markdown(titles, lines)
