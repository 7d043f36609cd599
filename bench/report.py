"""Results as text, Markdown and a picture. A row is
{"case", "work", "unit", "contenders": {name: {"p50_ms", "p99_ms", "min_ms", …}}, "speedup": {name: ratio}}:
without "work" it shows milliseconds (less is better) or, with the unit "s", seconds; with it `work` per second in `unit` (more is
better). Rows of tokenizing also have "ids_equal": {name: share of odd texts that got the reference's ids}, rows of searches
"recall": {name: share of the nearest that were found}; both have "missing": {name: why it could not take part}."""

import xml.sax.saxutils

OURS = ("vivace", "vivace serve")
OURS_WITHOUT_HTTP = "vivace embed"  # beside our server: no peer
README_BEGIN, README_END = "<!-- bench:begin -->", "<!-- bench:end -->"


def figure(row, contender, of="p50_ms"):
    """What is shown for a contender: milliseconds, seconds, or work per second."""
    milliseconds = row["contenders"][contender][of]
    if row.get("work") is not None:
        return row["work"] / milliseconds * 1e3
    return milliseconds / 1e3 if row["unit"] == "s" else milliseconds


def short(number):
    digits = 2 if number < 10 else 1 if number < 100 else 0
    return f"{number:.{digits}f}"


def ours_in(row):
    return next((name for name in OURS if name in row["contenders"]), None)


def ordered(row):
    """Contenders of a row: ours first, then the fastest peers."""
    return sorted(row["contenders"], key=lambda name: (name not in OURS, name == OURS_WITHOUT_HTTP, row["contenders"][name]["p50_ms"]))


def share_right(row, contender):
    """What is said about a contender's ids or neighbours; nothing where they were not compared. Never 100 % when some are wrong."""
    for name, key in (("ids", "ids_equal"), ("recall", "recall")):
        share = row.get(key, {}).get(contender)
        if share is not None:
            return f"{name} {100 if share == 1 else min(share * 100, 99.99):.{0 if share == 1 else 2}f} %"
    return ""


def text_table(rows):
    lines = [f"{'case':<24} {'contender':<22} {'median':>9} {'p99':>9} {'fastest':>9}  {'unit':<8} ours is"]
    for row in rows:
        for name in ordered(row):
            values = [figure(row, name, of) for of in ("p50_ms", "p99_ms", "min_ms")]
            ratio = f"{row['speedup'][name]:.2f}x as fast" if name in row["speedup"] else ""
            lines.append(f"{row['case']:<24} {name:<22} " + " ".join(f"{short(v):>9}" for v in values) +
                         f"  {row['unit']:<8} " + ", ".join(filter(None, (ratio, share_right(row, name)))))
        lines += [f"{row['case']:<24} {name:<22} cannot: {reason}" for name, reason in row.get("missing", {}).items()]
    return "\n".join(line.rstrip() for line in lines)


def markdown_table(rows, machine):
    lines = ["| case | Vivace | peers | Vivace is |", "|---|---|---|---|"]
    for row in rows:
        ours = ours_in(row)
        peers = [name for name in ordered(row) if name != ours]
        shown = ", ".join([f"{name} {short(figure(row, name))}{in_brackets(share_right(row, name))}" for name in peers] +
                          [f"{name} –" for name in row.get("missing", {})])
        best = f"{row['speedup'][peers[0]]:.2f}× as fast as {peers[0]}" if ours and peers else ""
        own = f"**{short(figure(row, ours))}**{in_brackets(share_right(row, ours))}" if ours else "–"
        lines.append(f"| {row['case']} ({row['unit']}) | {own} | {shown} | {best} |")
    cpu = machine["cpu"]
    lines.append("")
    if any("ids_equal" in row for row in rows):
        lines.append("Tokenizing: one thread, one call for each text; in brackets how many odd texts got the ids of HF tokenizers; – "
                     "cannot read that tokenizer.")
        lines.append("")
    if any("recall" in row for row in rows):
        lines.append("Searches: in brackets how many of the nearest were found; – cannot take part here.")
        lines.append("")
    lines.append(f"{machine['precision']}, {machine['threads']} threads, medians of {machine['rounds']} interleaved rounds on {cpu['model']} "
                 f"(family {cpu['family']}; {', '.join(cpu['flags'])}), {machine['time'][:10]}, {machine['git']}: "
                 + ", ".join(f"{name} {version}" for name, version in sorted(machine["versions"].items())) + ".")
    return "\n".join(lines)


def in_brackets(text):
    return f" ({text})" if text else ""


def replace_in_readme(text, table):
    """README's text with the table between its markers; ValueError when they are missing."""
    begin, end = text.find(README_BEGIN), text.find(README_END)
    if begin < 0 or end < begin:
        raise ValueError(f"README.md needs the lines {README_BEGIN} and {README_END}, in this order")
    return text[:begin + len(README_BEGIN)] + "\n" + table + "\n" + text[end:]


# ---- the picture -------------------------------------------------------------------------------------------------

WIDTH, LABEL, BAR, GAP, TITLE, MARGIN = 760, 190, 20, 6, 30, 16
STYLE = """text{font:13px system-ui,sans-serif;fill:#1f2933}.t{font-weight:600}.s{fill:#616e7c;font-size:12px}
.ours{fill:#0b7285}.peer{fill:#adb5bd}.page{fill:#fff}
@media(prefers-color-scheme:dark){text{fill:#e4e7eb}.s{fill:#9aa5b1}.ours{fill:#3bc9db}.peer{fill:#52606d}.page{fill:#1a1d21}}"""


def svg_chart(rows, caption):
    """Horizontal bars, one panel a case, each panel on its own scale."""
    body, y = [], MARGIN
    for row in rows:
        better = "less is better" if row.get("work") is None else "more is better"
        body.append(_text(MARGIN, y + 16, row["case"], "t") +
                    _text(WIDTH - MARGIN, y + 16, f"{row['unit']}, {better}", "s", "end"))
        y += TITLE - GAP
        longest = max(figure(row, name) for name in row["contenders"])
        for name in ordered(row):
            value = figure(row, name)
            room = 130 if share_right(row, name) else 60
            width = max(2.0, value / longest * (WIDTH - LABEL - 2 * MARGIN - room))
            body.append(_text(LABEL - 8, y + 15, name, "", "end") +
                        f'<rect class="{"ours" if name in OURS else "peer"}" x="{LABEL}" y="{y}" width="{width:.1f}" '
                        f'height="{BAR}" rx="3"/>' + _text(LABEL + width + 6, y + 15, f"{short(value)} {share_right(row, name)}".rstrip(),
                              "s"))
            y += BAR + GAP
        for name in row.get("missing", {}):
            what = "read this tokenizer" if "ids_equal" in row else "take part here"
            body.append(_text(LABEL - 8, y + 15, name, "", "end") + _text(LABEL, y + 15, f"cannot {what}", "s"))
            y += BAR + GAP
        y += 10
    body.append(_text(MARGIN, y + 8, caption, "s"))
    y += 24
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" width="{WIDTH}" height="{y}" role="img" '
            f'aria-label="Benchmark results"><style>{STYLE}</style><rect class="page" width="100%" height="100%"/>'
            + "".join(body) + "</svg>\n")


def _text(x, y, content, style, anchor="start"):
    return (f'<text x="{x:.1f}" y="{y}" class="{style}" text-anchor="{anchor}">'
            f"{xml.sax.saxutils.escape(content)}</text>")
