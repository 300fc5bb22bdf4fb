import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findPart } from '../../scripts/real-parts.mjs';
import { type RunningProxy, runProxy } from './nginx.ts';

const modules = [
  'mpm_event',
  'authn_core',
  'authz_core',
  'authz_user',
  'auth_openidc',
  'env',
  'headers',
  'proxy',
];

/**
 * A real Apache.
 * @param configuration what comes after the modules and the `Listen` line
 */
export const startApache = async (
  configuration: string,
  port: number,
  env: Readonly<Record<string, string>> = {},
): Promise<RunningProxy> => {
  const file = findPart('apache');
  if (file === undefined) throw new Error('apache is missing');
  const folder = await mkdtemp(join(tmpdir(), 'drawbridge-apache-'));
  const lines = [
    `ServerRoot ${folder}`,
    `DefaultRuntimeDir ${folder}`,
    `PidFile ${folder}/apache.pid`,
    'ServerName localhost',
    `ErrorLog ${folder}/error.log`,
    ...[...modules, 'proxy_http', 'proxy_wstunnel'].map(
      (name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`,
    ),
    // a root that starts it gives up its rights
    ...(process.getuid?.() === 0 ? ['User www-data', 'Group www-data'] : []),
    'StartServers 1',
    `Listen 127.0.0.1:${port}`,
    configuration,
  ];
  const path = join(folder, 'apache.conf');
  await writeFile(path, `${lines.join('\n')}\n`);
  return runProxy({ file, args: ['-DFOREGROUND', '-f', path], env, port, folder });
};
