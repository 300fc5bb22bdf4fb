import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Table } from './tables.ts';

/** As Node writes it with `--cpu-prof`. */
interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly children?: readonly number[];
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
  /** Microseconds between samples. */
  readonly timeDeltas: readonly number[];
}

const waiting: ReadonlySet<string> = new Set(['(idle)', '(root)']);

/**
 * Where the time went in each profile of the folder. By place: what Node itself does counts for the package or
 * room that called it. By function: each without its callees. A busy machine makes system calls look longer.
 */
export const summarizeProfiles = (folder: string): readonly Table[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.cpuprofile'))
    .flatMap((name) => {
      const profile = JSON.parse(readFileSync(join(folder, name), 'utf8')) as CpuProfile; // written by Node
      return [
        ranking(`${name}, by place`, profile, namePlaces(profile)),
        ranking(`${name}, by function`, profile, nameFunctions(profile)),
      ];
    });

const ranking = (title: string, profile: CpuProfile, names: ReadonlyMap<number, string>): Table => {
  const micros = new Map<string, number>();
  let busy = 0;
  for (const [at, id] of profile.samples.entries()) {
    const name = names.get(id);
    if (name === undefined || waiting.has(name)) continue;
    const delta = profile.timeDeltas[at] ?? 0;
    busy += delta;
    micros.set(name, (micros.get(name) ?? 0) + delta);
  }
  const top = [...micros].sort(([, one], [, other]) => other - one).slice(0, 25);
  return {
    title: `${title}: ${(busy / 1_000_000).toFixed(1)} s busy`,
    head: ['share', 'where'],
    rows: top.map(([name, time]) => [`${((time / busy) * 100).toFixed(1)} %`, name]),
  };
};

const nameFunctions = ({ nodes }: CpuProfile): ReadonlyMap<number, string> =>
  new Map(
    nodes.map(({ id, callFrame: { functionName, url, lineNumber } }) => [
      id,
      `${functionName || '(anonymous)'} ${fileOf(url)}${url === '' ? '' : `:${lineNumber + 1}`}`.trim(),
    ]),
  );

const namePlaces = ({ nodes }: CpuProfile): ReadonlyMap<number, string> => {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const names = new Map<number, string>();
  const visit = (id: number, inherited: string): void => {
    const node = byId.get(id);
    if (node === undefined) return;
    const { functionName, url } = node.callFrame;
    const isOfNode = url === '' || url.startsWith('node:');
    const place = isOfNode ? inherited : placeOf(fileOf(url));
    names.set(id, functionName.startsWith('(') && url === '' ? functionName : place);
    for (const child of node.children ?? []) visit(child, place);
  };
  const [root] = nodes;
  if (root !== undefined) visit(root.id, '(node)');
  return names;
};

const fileOf = (url: string): string =>
  url.replace(/^file:\/\//, '').replace(/^.*\/(node_modules|dist)\//, '');

const placeOf = (file: string): string => {
  const [first = '', second = '', third = ''] = file.split('/');
  if (first === 'src') return third === '' ? file : `${first}/${second}`;
  if (first === 'bench') return `${first}/${second}`;
  return first.startsWith('@') ? `${first}/${second}` : first;
};
