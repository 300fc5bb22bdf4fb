import { execFileSync } from 'node:child_process';
import { cpus, totalmem } from 'node:os';

/** The machine and the programs of a run, in one line. */
export const describeRun = (node: string, mongod: string | undefined): string => {
  const [first] = cpus();
  const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim();
  const memory = Math.round(totalmem() / 2 ** 30);
  return [
    `${first?.model.trim() ?? 'unknown CPU'}, ${cpus().length} cores, ${memory} GiB`,
    `Node ${version}`,
    ...(mongod === undefined ? [] : [`MongoDB ${mongod} (replica set of one, majority writes)`]),
    new Date().toISOString().slice(0, 10),
  ].join('; ');
};
