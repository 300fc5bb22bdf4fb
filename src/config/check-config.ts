import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Fault } from './fault.ts';
import { loadServerSettings, type ServerSettingsOptions } from './load-server-settings.ts';
import { codeOf } from './secrets.ts';
import { loadTenant } from './tenant-file.ts';

/** All that is wrong with the configuration of a server, for those who want to know before it starts. */
export interface CheckedConfig {
  readonly faults: readonly Fault[];
  readonly warnings: readonly string[];
  /** Tenant files that were read, right or wrong. */
  readonly tenantCount: number;
}

const extension = '.yaml';

/** Checks the server's settings and every tenant file; starts and changes nothing. */
export const checkConfig = (options: ServerSettingsOptions): CheckedConfig => {
  const server = loadServerSettings(options);
  const warnings = [...server.warnings];
  // Without settings the tenants are looked for where they are by default.
  const directory = 'settings' in server ? server.settings.tenants.directory : join(options.cwd, 'tenants');
  const faults = 'faults' in server ? [...server.faults] : [];
  const shownIn = (path: string): string =>
    relative(options.cwd, path).startsWith('..') ? path : relative(options.cwd, path);

  let names: readonly string[];
  try {
    names = readdirSync(directory).sort();
  } catch (error) {
    const message = `cannot be read (${codeOf(error)}); make the folder, or set tenants.directory to the right one`;
    return { faults: [...faults, { file: shownIn(directory), path: '', message }], warnings, tenantCount: 0 };
  }
  warnings.push(
    ...names
      .filter((name) => name.endsWith('.yml'))
      .map((name) => `${shownIn(join(directory, name))} is ignored; rename it to end in .yaml`),
  );
  const files = names.filter((name) => name.endsWith(extension) && !name.startsWith('.'));
  if (files.length === 0)
    warnings.push(`${shownIn(directory)} holds no tenant; make one with: npx --no drawbridge init`);
  for (const name of files) faults.push(...checkFile(join(directory, name), name, options, shownIn));
  return { faults, warnings, tenantCount: files.length };
};

const checkFile = (
  path: string,
  name: string,
  { env }: ServerSettingsOptions,
  shownIn: (path: string) => string,
): readonly Fault[] => {
  const inPlace = (fault: Fault): Fault => ({ ...fault, file: shownIn(path) });
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    return [
      inPlace({ file: path, path: '', message: `cannot be read (${codeOf(error)}); check its rights` }),
    ];
  }
  const loaded = loadTenant({ id: name.slice(0, -extension.length), path, text, env });
  return 'faults' in loaded ? loaded.faults.map(inPlace) : [];
};
