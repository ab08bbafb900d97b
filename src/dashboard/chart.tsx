/** Usage as bars with the limit across them: SVG made here, which is there without script, and its numbers as a table beside it. */
import { count, utc } from './format.ts';
import { number, Table } from './layout.tsx';
import type { Range, Usage } from './usage.ts';

const WIDTH = 1_000;
const HEIGHT = 200;
const LABELS = 5;

export interface ChartProps {
  readonly usage: Usage;
  readonly range: Range;
  /** Exchanges a minute; absent where the person may not know it. */
  readonly limitPerMinute?: number | undefined;
  /** Of the bars alone, where the limit is far above them. */
  readonly isZoomed?: boolean;
  readonly isSmall?: boolean;
}

export function UsageChart({ usage, range, limitPerMinute, isZoomed = false, isSmall = false }: ChartProps) {
  const peak = usage.bars.reduce((most, bar) => Math.max(most, bar.granted + bar.refused), 0);
  const top = niceAbove(Math.max(peak, isZoomed ? 0 : (limitPerMinute ?? 0), 1));
  const y = (value: number): number => HEIGHT - (HEIGHT * value) / top;
  const step = WIDTH / usage.bars.length;
  const limitIsShown = limitPerMinute !== undefined && limitPerMinute <= top;
  const labels = Array.from(
    { length: LABELS },
    (_, at) => usage.bars[Math.round((at * (usage.bars.length - 1)) / (LABELS - 1))],
  );
  return (
    <div class={isSmall ? 'chart small' : 'chart'}>
      <div class="axis" aria-hidden="true">
        <span>{count(top)}</span>
        <span>{count(top / 2)}</span>
        <span>0</span>
      </div>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={spoken(usage, range, peak, limitPerMinute)}
        data-limit={limitPerMinute}
      >
        <line class="grid-line" x1="0" x2={WIDTH} y1="0" y2="0" />
        <line class="grid-line" x1="0" x2={WIDTH} y1={HEIGHT / 2} y2={HEIGHT / 2} />
        {usage.bars.map(({ startMs, granted, refused }, at) =>
          granted + refused === 0 ? null : (
            <g>
              <title>{`${utc(new Date(startMs).toISOString())}: ${count(granted)} granted, ${count(refused)} refused a minute`}</title>
              <Part kind="granted" x={at * step} width={step} from={y(0)} to={y(granted)} />
              <Part kind="refused" x={at * step} width={step} from={y(granted)} to={y(granted + refused)} />
            </g>
          ),
        )}
        {limitIsShown ? (
          <line class="limit" x1="0" x2={WIDTH} y1={fixed(y(limitPerMinute))} y2={fixed(y(limitPerMinute))} />
        ) : null}
      </svg>
      <div class="along" aria-hidden="true">
        {labels.map((bar) =>
          bar === undefined ? null : (
            <time datetime={new Date(bar.startMs).toISOString()} data-form={range.name === '90d' ? 'day' : 'clock'}>
              {new Date(bar.startMs)
                .toISOString()
                .slice(...(range.name === '90d' ? ([5, 10] as const) : ([11, 16] as const)))}
            </time>
          ),
        )}
      </div>
    </div>
  );
}

function Part({ kind, x, width, from, to }: { kind: string; x: number; width: number; from: number; to: number }) {
  if (from - to < 0.05) return null;
  // A single refusal under a limit of thousands is still to be seen.
  const height = Math.max(from - to, 1.5);
  return (
    <rect
      class={kind}
      x={fixed(x + width * 0.12)}
      y={fixed(from - height)}
      width={fixed(width * 0.76)}
      height={fixed(height)}
    />
  );
}

export function Legend({
  range,
  limitPerMinute,
  isZoomed = false,
}: Pick<ChartProps, 'range' | 'limitPerMinute' | 'isZoomed'>) {
  return (
    <ul class="legend">
      {['granted', 'refused'].map((kind) => (
        <li>
          <svg viewBox="0 0 14 10" aria-hidden="true">
            <rect class={kind} width="14" height="10" />
          </svg>
          {kind}
        </li>
      ))}
      <li>
        <svg viewBox="0 0 14 10" aria-hidden="true">
          <line class="limit" x2="14" y1="5" y2="5" />
        </svg>
        {limitPerMinute === undefined ? 'limit now' : `limit now, ${count(limitPerMinute)} a minute`}
        {isZoomed ? ' (above what is drawn where no line shows)' : ''}
      </li>
      <li>Height: {range.height}</li>
    </ul>
  );
}

export function UsageTable({ usage }: { usage: Usage }) {
  const filled = usage.bars.filter(({ grantedInAll, refusedInAll }) => grantedInAll + refusedInAll > 0);
  if (filled.length === 0) return null;
  return (
    <details>
      <summary>Numbers behind the bars</summary>
      <Table
        label="Numbers behind the bars"
        columns={['From', number('Granted'), number('Refused')]}
        rows={filled
          .toReversed()
          .map((bar) => [
            <time datetime={new Date(bar.startMs).toISOString()}>{utc(new Date(bar.startMs).toISOString())}</time>,
            count(bar.grantedInAll),
            count(bar.refusedInAll),
          ])}
      />
    </details>
  );
}

function spoken(usage: Usage, range: Range, peak: number, limit: number | undefined): string {
  const of = limit === undefined ? '' : ` The limit is ${count(limit)} a minute.`;
  return `Last ${range.label.toLowerCase()}: ${count(usage.granted)} exchanges granted and ${count(usage.refused)} refused. At most ${count(peak)} a minute.${of}`;
}

/** 1, 2, 2.5 or 5 times a power of ten, a little above. */
function niceAbove(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value * 1.04));
  const factor = [1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10].find((one) => one * power >= value * 1.04) ?? 10;
  return factor * power;
}

function fixed(value: number): string {
  return value.toFixed(1).replace(/\.0$/, '');
}
