import type { OperationResult, StoreResult } from '../load/measure-store.ts';

export interface Table {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

const ms = (value: number | undefined): string =>
  value === undefined || Number.isNaN(value) ? '–' : value < 10 ? value.toFixed(2) : value.toFixed(0);

const trips = (value: number | undefined): string => (value === undefined ? '–' : value.toFixed(1));

const perSecond = (value: number): string => (value < 100 ? value.toFixed(1) : value.toFixed(0));

const storeNames = { mongodb: 'MongoDB', sqlite: 'Embedded store (SQLite)' } as const;

const aimOf = ({ operation, ratio }: OperationResult, store: StoreResult['store']): string => {
  if (operation.aim === undefined || store !== 'mongodb') return '';
  return `≤ ${operation.aim.toFixed(1)}× ${ratio <= operation.aim ? '✓' : '✗'}`;
};

/** Each figure as Drawbridge / bare library. */
export const toTable = (result: StoreResult): Table => {
  const hasStoreCpu = result.operations.some(({ drawbridge }) => drawbridge.storeCpuMs !== undefined);
  const isMongodb = result.store === 'mongodb';
  return {
    title: storeNames[result.store],
    head: [
      'Drawbridge / bare library',
      'operations/s',
      'p50 ms',
      'p99 ms',
      'server CPU ms',
      ...(hasStoreCpu ? ['store CPU ms'] : []),
      ...(isMongodb ? ['store trips'] : []),
      'server CPU ratio (range)',
      ...(isMongodb ? ['aim'] : []),
      'in hellos',
    ],
    rows: result.operations.map((row) => {
      const { operation, drawbridge, bare, ratio, ratioRange, hellos } = row;
      return [
        operation.label,
        `${perSecond(drawbridge.perSecond)} / ${perSecond(bare.perSecond)}`,
        `${ms(drawbridge.p50Ms)} / ${ms(bare.p50Ms)}`,
        `${ms(drawbridge.p99Ms)} / ${ms(bare.p99Ms)}`,
        `${ms(drawbridge.serverCpuMs)} / ${ms(bare.serverCpuMs)}`,
        ...(hasStoreCpu ? [`${ms(drawbridge.storeCpuMs)} / ${ms(bare.storeCpuMs)}`] : []),
        ...(isMongodb ? [`${trips(drawbridge.trips)} / ${trips(bare.trips)}`] : []),
        `${ratio.toFixed(2)}× (${ratioRange.map((value) => value.toFixed(2)).join('–')})`,
        ...(isMongodb ? [aimOf(row, result.store)] : []),
        `${hellos.toFixed(0)}×`,
      ];
    }),
  };
};

/** One row more: what a constant answer costs here, the unit of the last column. */
export const helloLine = ({ hello }: StoreResult): string =>
  `A constant answer of node:http: ${perSecond(hello.perSecond)}/s, ${hello.serverCpuMs.toFixed(3)} ms server CPU.`;

export const toMarkdown = ({ title, head, rows }: Table): string => {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [`### ${title}`, '', line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
};

/** For the terminal: columns in line. */
export const toText = ({ title, head, rows }: Table): string => {
  const widths = head.map((name, column) =>
    Math.max(name.length, ...rows.map((cells) => cells[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return [title, line(head), line(widths.map((width) => '─'.repeat(width))), ...rows.map(line)].join('\n');
};
