import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findPart } from '../../scripts/real-parts.mjs';
import { type RunningProxy, runProxy } from './nginx.ts';

/**
 * A real HAProxy.
 * @param configuration all of `haproxy.cfg`; `FOLDER` stands for the folder of its files
 * @param files more files by name, such as Lua scripts
 */
export const startHaproxy = async (
  configuration: string,
  port: number,
  files: Readonly<Record<string, string>> = {},
): Promise<RunningProxy> => {
  const file = findPart('haproxy');
  if (file === undefined) throw new Error('haproxy is missing');
  const folder = await mkdtemp(join(tmpdir(), 'drawbridge-haproxy-'));
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  const path = join(folder, 'haproxy.cfg');
  await writeFile(path, configuration.replaceAll('FOLDER', folder));
  return runProxy({ file, args: ['-db', '-f', path], port, folder });
};
