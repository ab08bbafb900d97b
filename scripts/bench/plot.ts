/** The exchange section as a picture: requests a second, and the CPU time of one request, each by contender. */
import type { Summary } from './rounds.ts';

const WIDTH = 860;
const BAR_HEIGHT = 20;
const ROW_HEIGHT = 30;
const NAMES_WIDTH = 200;
const TOP = 46;
const PANEL_WIDTH = (WIDTH - NAMES_WIDTH) / 2 - 70;

export function plotOf(summaries: readonly Summary[]): string {
  const shown = summaries.filter(({ section }) => section === 'exchange');
  const height = TOP + shown.length * ROW_HEIGHT + 10;
  const panel = (left: number, title: string, valueOf: (summary: Summary) => number): string => {
    const most = Math.max(...shown.map(valueOf));
    const bars = shown.map((summary, at) => {
      const value = valueOf(summary);
      const width = Math.max(1, (value / most) * PANEL_WIDTH);
      const top = TOP + at * ROW_HEIGHT;
      const kind = summary.name.startsWith('edge-sts') ? 'ours' : 'other';
      return `<rect class="${kind}" x="${left}" y="${top}" width="${width.toFixed(1)}" height="${BAR_HEIGHT}"/><text x="${(left + width + 6).toFixed(1)}" y="${top + 15}">${value.toFixed(0)}</text>`;
    });
    return `<text class="title" x="${left}" y="26">${title}</text>${bars.join('')}`;
  };
  const names = shown.map(
    ({ name }, at) =>
      `<text x="${NAMES_WIDTH - 10}" y="${TOP + at * ROW_HEIGHT + 15}" text-anchor="end">${escaped(name)}</text>`,
  );
  const style =
    'text{font:13px sans-serif;fill:#333}.title{font-weight:bold}.ours{fill:#2b6cb0}.other{fill:#a0aec0}rect.back{fill:#fff}';
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="Exchanges a second and CPU time of one exchange">`,
    `<style>${style}</style><rect class="back" width="${WIDTH}" height="${height}"/>`,
    ...names,
    panel(NAMES_WIDTH, 'requests a second, one process', (summary) => summary.perSecond),
    panel(NAMES_WIDTH + PANEL_WIDTH + 70, 'CPU µs a request', (summary) => summary.cpuUs),
    '</svg>\n',
  ].join('\n');
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
