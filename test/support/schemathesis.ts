// schemathesis (https://schemathesis.readthedocs.io) makes requests that are as an OpenAPI document describes and requests that are
// not, and compares each answer with what the document allows.
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findPart, schemathesisFolder } from '../../scripts/real-parts.mjs';
import { watchChild } from './child.ts';

/** Undefined where it is not installed. */
export const schemathesis = findPart('schemathesis');

const options = [
  ...['--phases', 'examples,coverage,fuzzing'],
  ...['--max-examples', '5'],
  ...['--seed', '20010101', '--generation-deterministic'],
  ...['--checks', 'all'],
  ...['--continue-on-failure', '--no-color', '--output-sanitize', 'false'],
];

export interface SchemathesisRun {
  /** Of the document. */
  readonly url: string;
  readonly token: string;
  /** Content of `schemathesis.toml`. */
  readonly settings: string;
}

export const runSchemathesis = async ({
  url,
  token,
  settings,
}: SchemathesisRun): Promise<{ readonly code: unknown; readonly report: string }> => {
  const folder = await mkdtemp(join(tmpdir(), 'drawbridge-openapi-')); // it keeps what it found
  await writeFile(join(folder, 'schemathesis.toml'), settings);
  const child = watchChild(
    spawn(
      schemathesis ?? '',
      ['-m', 'schemathesis.cli', 'run', url, '--header', `Authorization: Bearer ${token}`, ...options],
      { cwd: folder, env: { ...process.env, PYTHONPATH: schemathesisFolder(), PYTHONWARNINGS: 'ignore' } },
    ),
  );
  const code = await child.exited;
  await rm(folder, { recursive: true });
  return { code, report: [...child.lines, child.errors()].join('\n') };
};
