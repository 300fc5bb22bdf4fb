// The server's settings, from the first of flags, environment, file and defaults that has each.
//   setting-layers.ts       which settings are given, and where; from environment.ts, server-file.ts and, read as values of
//                           the schema by setting-text.ts, the texts of flags and variables
//   server-schema.ts        what a setting may be, and its default; server-rules.ts: rules about several, and secrets
//   server-settings.ts      what they become
//   foreign-variables.ts    variables of other software, with what replaces them
//   effective-settings.ts   which value is in force, for an operator; settings-table.ts, settings-markdown.ts: all of them

import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { definedOnly } from '../../defined-only.ts';
import { deepFreeze } from '../parsing/deep-freeze.ts';
import { byPosition, type Fault } from '../parsing/fault.ts';
import { parseBySchema } from '../parsing/schema-faults.ts';
import { formatPath } from '../parsing/yaml-source.ts';
import { type EffectiveSetting, toEffective } from './effective-settings.ts';
import { readEnvironment } from './environment.ts';
import { tenantTexts, warnOfForeignVariables } from './foreign-variables.ts';
import { type FoundFile, readServerFile, type ServerFilePlace } from './server-file.ts';
import { checkServerFile, publicUrlOf, type ResolvedServerFile, type SettingFault } from './server-rules.ts';
import { type ServerFile, serverSchema } from './server-schema.ts';
import type { ServerSettings } from './server-settings.ts';
import {
  collectSettings,
  environmentLayer,
  fileLayer,
  flagLayer,
  type GivenValue,
} from './setting-layers.ts';
import { settingsTable } from './settings-table.ts';

export interface ServerSettingsOptions extends ServerFilePlace {
  /** From the command line, by the setting's name: `{ 'server.port': '8080' }`. */
  readonly flags?: Readonly<Record<string, string>>;
  /** What `auto` stands for; by default the cores of this machine. */
  readonly cores?: number;
}

export type LoadedServerSettings =
  | {
      readonly settings: ServerSettings;
      readonly warnings: readonly string[];
      /** The file that was read, absolute; absent when there is none. */
      readonly file?: string;
      readonly effective: readonly EffectiveSetting[];
    }
  | { readonly faults: readonly Fault[]; readonly warnings: readonly string[] };

/** Precedence: flags, environment, file, default. */
export const loadServerSettings = (options: ServerSettingsOptions): LoadedServerSettings => {
  const { env, cwd, flags = {}, cores = availableParallelism() } = options;
  const sources = { env, readFile: (path: string) => readFileSync(resolve(cwd, path)) };
  const table = settingsTable();
  const file = readServerFile(options);
  if ('faults' in file) return { faults: file.faults, warnings: [] };

  const environment = readEnvironment(table, sources);
  const { warnings } = environment;
  const { given, faults } = collectSettings(table, [
    flagLayer(flags, table),
    environmentLayer(environment),
    fileLayer(file),
  ]);
  if (faults.length > 0) return { faults, warnings };

  const checked = checkServerFile(parseTogether(given), { given, sources });
  if (!checked.ok) {
    const placed = checked.faults.map((fault) => placeFault(fault, given.get(fault.name), file));
    return { faults: placed.sort(byPosition), warnings };
  }
  const settings = toSettings(checked.value, cwd, cores);
  const foreign = warnOfForeignVariables({
    env,
    known: new Set(table.flatMap(({ env: name, alias = name }) => [name, alias])),
    texts: () => [file.text ?? '', ...tenantTexts(settings.tenants.directory)],
  });
  return {
    settings: deepFreeze(settings),
    warnings: [...warnings, ...foreign],
    ...definedOnly({ file: file.path }),
    effective: table.map((setting) => toEffective(setting, given.get(setting.name))),
  };
};

const parseTogether = (given: ReadonlyMap<string, GivenValue>): ServerFile => {
  const parsed = parseBySchema(serverSchema, nest(given));
  // Each part was parsed by the same schema before.
  if (!parsed.ok) throw new Error(`settings fit alone but not together: ${parsed.faults[0]?.message}`);
  return parsed.value;
};

const nest = (given: ReadonlyMap<string, GivenValue>): Record<string, Record<string, unknown>> => {
  const nested: Record<string, Record<string, unknown>> = {};
  for (const [name, { value }] of given) {
    const [section = '', key = ''] = name.split('.');
    nested[section] = { ...nested[section], [key]: value };
  }
  return nested;
};

/** Where the operator has to change it: where it was given, or in the file that would give it. */
const placeFault = (
  { name, path = [], message, ...fault }: SettingFault,
  given: GivenValue | undefined,
  file: FoundFile,
): Fault => {
  if (given?.layer === 'file')
    return file.toFault({ ...fault, path: [...name.split('.'), ...path], message });
  return { file: given?.layer ?? file.shown, path: formatPath([given?.source ?? name, ...path]), message };
};

const toSettings = (file: ResolvedServerFile, cwd: string, cores: number): ServerSettings => {
  const { publicUrl, secretKey, workers, drainDelay, drainTimeout, ...server } = file.server;
  const { rescan, directory, selection, ...tenants } = file.tenants;
  const { memory, concurrency, ...passwords } = file.passwords;
  return {
    server: {
      ...server,
      publicUrl: publicUrlOf({ publicUrl, port: server.port }),
      ...definedOnly({ secretKey }),
      workers: workers === 'auto' ? cores : workers,
      drainDelayMs: drainDelay,
      drainTimeoutMs: drainTimeout,
    },
    ...definedOnly({ tls: file.tls, clientCertificates: file.clientCertificates }),
    storage: {
      url: file.storage.url.startsWith('file:')
        ? `file:${resolve(cwd, file.storage.url.slice('file:'.length))}`
        : file.storage.url,
    },
    tenants: {
      ...tenants,
      directory: resolve(cwd, directory),
      rescanMs: rescan,
      ...(selection === 'ask' ? { selection } : {}),
    },
    passwords: {
      ...passwords,
      memoryKiB: memory,
      // libuv has four threads for them by default
      concurrency: concurrency === 'auto' ? Math.min(cores, 4) : concurrency,
    },
    administration: {
      ...definedOnly({ tenant: file.administration.tenant }),
      operators: {
        subs: file.administration.operators,
        roles: file.administration.operatorRoles,
        groups: file.administration.operatorGroups,
      },
      secondFactor: file.administration.secondFactor,
      maxAgeSeconds: file.administration.maxAge,
    },
    log: file.log,
    management: file.management,
    ...definedOnly({ mail: file.mail }),
    gateway: file.gateway,
  };
};
