import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findPart } from '../../scripts/real-parts.mjs';
import { type RunningProxy, runProxy } from './nginx.ts';

/** A real Caddy. @param sites site blocks of a Caddyfile */
export const startCaddy = async (sites: string, port: number): Promise<RunningProxy> => {
  const file = findPart('caddy');
  if (file === undefined) throw new Error('caddy is missing');
  const folder = await mkdtemp(join(tmpdir(), 'drawbridge-caddy-'));
  const caddyfile = join(folder, 'Caddyfile');
  await writeFile(caddyfile, `{\n\tadmin off\n\tauto_https off\n\tpersist_config off\n}\n${sites}`);
  return runProxy({
    file,
    args: ['run', '--config', caddyfile, '--adapter', 'caddyfile'],
    env: { HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
    port,
    folder,
  });
};
