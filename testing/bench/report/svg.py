"""Plots as SVG, by hand: panels of lines over a logarithmic axis, and panels of horizontal bars with their spread.

One function each; both return the text of a file. Numbers in, text out: nothing else is read or written.
"""

import math
from xml.sax.saxutils import escape

# Okabe and Ito's colours, which colour-blind readers can tell apart (2008); and two more.
COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#8c6d31", "#7f7f7f", "#9467bd"]
FONT = 'font-family="sans-serif" font-size="%d"'


def text(x, y, words, size=12, anchor="start", colour="#222", extra=""):
    return '<text x="%.1f" y="%.1f" %s text-anchor="%s" fill="%s"%s>%s</text>' % (
        x, y, FONT % size, anchor, colour, extra, escape(words),
    )


def line(x1, y1, x2, y2, colour="#ddd", width=1.0):
    return '<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s" stroke-width="%g"/>' % (x1, y1, x2, y2, colour, width)


def document(width, height, parts):
    head = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d">' % (width, height, width, height)
    return "\n".join([head, '<rect width="100%" height="100%" fill="#fff"/>', *parts, "</svg>", ""])


def number(value):
    """A short decimal: three figures at most."""
    if value >= 100 or value == int(value):
        return "%d" % round(value)
    return ("%.2f" % value if value < 10 else "%.1f" % value).rstrip("0").rstrip(".")


def lines(title, subtitle, x_label, panels, columns=2):
    """
    `panels` is [(title, {series: [(x, y), ...]})]; every x is a power of two, and all panels have the same series. The other axis is
    logarithmic, too, from a thousandth on; what is less stands at the bottom, as 0.
    """
    panel_width, panel_height, left, top = 460, 260, 60, 90
    names = list(panels[0][1])
    rows = -(-len(panels) // columns)
    legend_rows = -(-len(names) // 4)
    width = columns * panel_width
    height = top + rows * (panel_height + 20) + legend_rows * 20 + 10
    parts = [text(20, 30, title, 18), text(20, 50, subtitle, 12, colour="#555")]
    for place, (panel_title, series) in enumerate(panels):
        x0 = place % columns * panel_width + left
        y0 = top + place // columns * (panel_height + 20)
        w, h = panel_width - left - 30, panel_height - 50
        xs = sorted({x for points in series.values() for x, _ in points})
        decades = max(1, math.ceil(math.log10(max([y for points in series.values() for _, y in points] + [0.01])))) + 3
        steps = max(1, xs[-1].bit_length() - 1)

        def spot(x, y, x0=x0, y0=y0, w=w, h=h, steps=steps, decades=decades):
            height_of_y = h * (math.log10(max(y, 0.001)) + 3) / decades
            return x0 + w * (x.bit_length() - 1) / steps, y0 + h - height_of_y

        parts.append(text(x0, y0 - 10, panel_title, 13))
        for decade in range(decades + 1):
            y = y0 + h - h * decade / decades
            label = "0" if decade == 0 else "%g" % 10 ** (decade - 3)
            parts += [line(x0, y, x0 + w, y), text(x0 - 5, y + 4, label, 10, "end", "#555")]
        parts += [text(spot(x, 0)[0], y0 + h + 15, str(x), 10, "middle", "#555") for x in xs]
        parts.append(text(x0 + w, y0 + h + 30, x_label, 10, "end", "#555"))
        for index, name in enumerate(names):
            places = [spot(x, y) for x, y in series[name]]
            path = " ".join("%.1f,%.1f" % place for place in places)
            colour = COLOURS[index % len(COLOURS)]
            dashes = ' stroke-dasharray="6 3"' if index >= len(COLOURS) else ""
            parts.append('<polyline points="%s" fill="none" stroke="%s" stroke-width="2"%s/>' % (path, colour, dashes))
            parts += ['<circle cx="%.1f" cy="%.1f" r="2.5" fill="%s"/>' % (x, y, colour) for x, y in places]
    for index, name in enumerate(names):
        x = left + index % 4 * (width - left) / 4
        y = height - legend_rows * 20 + index // 4 * 20
        parts += [line(x, y - 4, x + 20, y - 4, COLOURS[index % len(COLOURS)], 3), text(x + 26, y, name, 12)]
    return document(width, height, parts)


def bars(title, subtitle, unit, groups, columns=3):
    """`groups` is [(title, [(name, value, low, high)])]: a panel each, a bar each; names keep their colour through all panels."""
    names = []
    for _, rows in groups:
        names += [row[0] for row in rows if row[0] not in names]
    panel_width, bar, left, top = 330, 16, 80, 80
    panel_height = 40 + bar * max(len(rows) for _, rows in groups)
    width = columns * panel_width
    height = top + -(-len(groups) // columns) * panel_height
    parts = [text(20, 30, title, 18), text(20, 50, "%s (%s)" % (subtitle, unit), 12, colour="#555")]
    for place, (group_title, rows) in enumerate(groups):
        x0 = place % columns * panel_width + left
        y0 = top + place // columns * panel_height
        w = panel_width - left - 70
        most = max(row[3] for row in rows) or 1
        best = min(row[1] for row in rows)
        parts.append(text(x0 - left + 20, y0 + 2, group_title, 13))
        for index, (name, value, low, high) in enumerate(rows):
            y = y0 + 10 + index * bar
            colour = COLOURS[names.index(name) % len(COLOURS)]
            parts.append(text(x0 - 5, y + bar - 5, name, 11, "end"))
            parts.append(
                '<rect x="%.1f" y="%.1f" width="%.1f" height="%d" fill="%s" fill-opacity="0.75"/>'
                % (x0, y + 1, w * value / most, bar - 3, colour)
            )
            if high > low:
                parts.append(line(x0 + w * low / most, y + bar / 2, x0 + w * high / most, y + bar / 2, "#222", 1.5))
            weight = ' font-weight="bold"' if value == best else ""
            parts.append(text(x0 + w * max(value, high) / most + 5, y + bar - 5, number(value), 11, extra=weight))
    return document(width, height, parts)
