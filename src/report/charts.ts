/** Charts as SVG text, drawn without a browser; colours are those of the page around them, light or dark. */
import { BarChart, LineChart } from 'echarts/charts';
import { GridComponent, LegendComponent } from 'echarts/components';
import { init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';

use([BarChart, LineChart, GridComponent, LegendComponent, SVGRenderer]);

interface Series {
  readonly name: string;
  /** One value per label; null: nothing to show there. */
  readonly values: readonly (number | null)[];
}

export interface Chart {
  readonly kind: 'bars' | 'lines';
  readonly labels: readonly string[];
  readonly series: readonly Series[];
}

const WIDTH = 520;
const HEIGHT = 210;

/** Stand-ins that echarts takes for colours; in the result they are the page's variables. */
const INK = '#010101';
const LINE = '#020202';
const SERIES = ['#030301', '#030302', '#030303', '#030304', '#030305', '#030306'] as const;
const VARIABLES: Readonly<Record<string, string>> = {
  [INK]: 'var(--soft)',
  [LINE]: 'var(--line)',
  ...Object.fromEntries(SERIES.map((stand, place) => [stand, `var(--s${place + 1})`])),
};

/** A `<svg>` element, to be put into a page that has `--soft`, `--line` and `--s1` to `--s6`. */
export function chartSvg({ kind, labels, series }: Chart): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height: HEIGHT });
  const text = { color: INK, fontFamily: 'system-ui, sans-serif', fontSize: 11 };
  chart.setOption({
    animation: false,
    color: [...SERIES],
    textStyle: text,
    legend: { top: 0, right: 8, icon: 'roundRect', itemWidth: 10, itemHeight: 10, textStyle: text },
    grid: { left: 8, right: 12, top: 30, bottom: 4, outerBoundsMode: 'same', outerBoundsContain: 'axisLabel' },
    xAxis: {
      type: 'category',
      data: [...labels],
      axisLabel: text,
      axisTick: { show: false },
      axisLine: { lineStyle: { color: LINE } },
    },
    yAxis: {
      type: 'value',
      axisLabel: text,
      minInterval: 1,
      splitNumber: 4,
      splitLine: { lineStyle: { color: LINE } },
    },
    series: series.map(({ name, values }) =>
      kind === 'bars'
        ? { name, type: 'bar', stack: 'all', data: [...values], barMaxWidth: 22 }
        : { name, type: 'line', data: [...values], symbolSize: 5, lineStyle: { width: 2 } },
    ),
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  // Its only style is that of a mouse over a chart that answers to none.
  return svg
    .replace(/<style[\s\S]*?<\/style>/g, '')
    .replace(/#0[123]0[123]0[1-6]/g, (stand) => VARIABLES[stand] ?? stand);
}
