import { useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

/** Lines over time. */
export interface Series {
  title: string;
  /** Seconds since 1970. */
  times: number[];
  lines: { label: string; ink: "accent" | "warn" | "bad" | "dim"; values: (number | null)[] }[];
  unit: (value: number) => string;
}

const HEIGHT = 132;

/** A small chart as wide as its place, in the colours of the theme. */
export function Chart({ title, times, lines, unit }: Series) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const shape = lines.map((it) => it.label + it.ink).join();

  // biome-ignore lint/correctness/useExhaustiveDependencies: made anew where its lines are others; values come below
  useEffect(() => {
    const host = place.current;
    if (!host) return;
    const make = () => {
      plot.current?.destroy();
      // A canvas takes a colour as it comes out, not a variable that has one for the light and one for the dark.
      const ink = (name: string) => {
        host.style.color = `var(--${name})`;
        return getComputedStyle(host).color;
      };
      const axis = {
        stroke: ink("dim"),
        grid: { stroke: ink("line"), width: 1 },
        ticks: { show: false },
        font: "11px system-ui, sans-serif",
      };
      plot.current = new uPlot(
        {
          width: host.clientWidth,
          height: HEIGHT,
          legend: { show: false },
          cursor: { y: false, drag: { setScale: false } },
          scales: { y: { range: (_, __, top) => [0, top > 0 ? top * 1.1 : 1] } },
          axes: [
            {
              ...axis,
              space: 70,
              size: 22,
              values: (_, at) => at.map((it) => clock(it, (at[1] ?? 60) - (at[0] ?? 0) < 60)),
            },
            { ...axis, size: 54, values: (_, at) => at.map(unit) },
          ],
          series: [
            {},
            ...lines.map((it) => ({
              label: it.label,
              stroke: ink(it.ink),
              width: 1.6,
              points: { show: true, size: 3.5, fill: ink(it.ink) },
              spanGaps: false,
            })),
          ],
        },
        [times, ...lines.map((it) => it.values)],
        host,
      );
      host.style.color = "";
    };
    make();
    const sized = new ResizeObserver(() => plot.current?.setSize({ width: host.clientWidth, height: HEIGHT }));
    sized.observe(host);
    const themed = new MutationObserver(make);
    themed.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
    const dark = matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", make);
    return () => {
      sized.disconnect();
      themed.disconnect();
      dark.removeEventListener("change", make);
      plot.current?.destroy();
      plot.current = undefined;
    };
  }, [shape]);

  useEffect(() => {
    plot.current?.setData([times, ...lines.map((it) => it.values)]);
  }, [times, lines]);

  return (
    <figure>
      <figcaption className="mb-1 flex flex-wrap items-baseline justify-between gap-2 text-xs">
        <span className="font-medium">{title}</span>
        <span className="flex gap-3 text-dim">
          {lines.map((it) => (
            <span key={it.label} className="inline-flex items-center gap-1">
              <span aria-hidden="true" className={`inline-block h-0.5 w-3 ${GROUNDS[it.ink]}`} />
              {it.label} {last(it.values, unit)}
            </span>
          ))}
        </span>
      </figcaption>
      <div ref={place} aria-hidden="true" className="w-full min-w-0 overflow-hidden" />
    </figure>
  );
}

const GROUNDS = { accent: "bg-accent", warn: "bg-warn", bad: "bg-bad", dim: "bg-dim" };

/** The time of day, with seconds where marks are less than a minute apart. */
function clock(seconds: number, isFine: boolean): string {
  const second = isFine ? ({ second: "2-digit" } as const) : {};
  return new Date(seconds * 1000).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", ...second });
}

/** Steps back from now of which a value is told as the present one. */
const PRESENT = 3;

/** The present value, where there is one: what a screen reader is told of a line, and what most look for. */
function last(values: (number | null)[], unit: (value: number) => string): string {
  const value = values.slice(-PRESENT).findLast((it) => it !== null);
  return value === undefined || value === null ? "" : unit(value);
}
