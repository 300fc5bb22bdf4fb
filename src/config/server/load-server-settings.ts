// The server's settings, from the first of flags, environment, file and defaults that has each.

import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { relative, resolve } from 'node:path';
import type { z } from 'zod';
import { definedOnly } from '../../defined-only.ts';
import { deepFreeze } from '../parsing/deep-freeze.ts';
import { byPosition, type Fault, type PathFault } from '../parsing/fault.ts';
import { parseBySchema } from '../parsing/schema-faults.ts';
import { codeOf } from '../parsing/secrets.ts';
import { formatPath, parseYaml, type YamlSource } from '../parsing/yaml-source.ts';
import { configVariable, readEnvironment } from './environment.ts';
import {
  checkServerFile,
  type GivenValue,
  publicUrlOf,
  type ResolvedServerFile,
  type SettingFault,
} from './server-rules.ts';
import { serverSchema } from './server-schema.ts';
import type { ServerSettings } from './server-settings.ts';
import { type Setting, settingsTable } from './settings-table.ts';

export interface ServerSettingsOptions {
  /** As `--config` names it; relative to `cwd`. */
  readonly file?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** From the command line, by the setting's name: `{ 'server.port': '8080' }`. */
  readonly flags?: Readonly<Record<string, string>>;
  /** What `auto` stands for; by default the cores of this machine. */
  readonly cores?: number;
}

/** One setting as it is in force. */
export interface EffectiveSetting extends Setting {
  /** As one would write it in YAML; secrets are masked. Absent when neither set nor given a default. */
  readonly value?: string;
  /** The file, the variable, `command line` or `default`. */
  readonly source: string;
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
  const { env, cwd } = options;
  const table = settingsTable();
  const found = readServerFile(options);
  if ('faults' in found) return { faults: found.faults, warnings: [] };

  const environment = readEnvironment(table, { env, readFile: (path) => readFileSync(resolve(cwd, path)) });
  const faults: Fault[] = [
    ...environment.faults.map(({ variable, message }) => ({ file: 'environment', path: variable, message })),
    ...unknownFlags(options.flags ?? {}, table),
  ];
  const fromFile = parseBySchema(serverSchema, found.value ?? {});
  if (!fromFile.ok) faults.push(...fromFile.faults.map(found.toFault).sort(byPosition));

  const given = new Map<string, GivenValue>();
  for (const { name } of table) {
    const flag = options.flags?.[name];
    const variable = environment.values.get(name);
    const inFile = settingIn(found.value, name);
    if (flag !== undefined || variable !== undefined) {
      const text = flag ?? variable?.text ?? '';
      const read = readText(name, text);
      const by = flag === undefined ? 'environment' : 'command line';
      const source = by === 'environment' ? (variable?.variable ?? '') : name;
      if (read.ok) given.set(name, { value: read.value, by, source });
      else
        for (const { path, message } of read.faults)
          faults.push({ file: by, path: formatPath([source, ...path]), message });
    } else if (inFile !== undefined) {
      given.set(name, { value: inFile, by: 'file', source: found.shown });
    }
  }
  if (faults.length > 0) return { faults, warnings: environment.warnings };

  const parsed = parseBySchema(serverSchema, nest(given));
  // Each part was parsed by the same schema before.
  if (!parsed.ok) throw new Error(`settings fit alone but not together: ${parsed.faults[0]?.message}`);
  const place = ({ name, path = [], message, ...fault }: SettingFault): Fault => {
    const speaker = given.get(name);
    if (speaker?.by === 'file')
      return found.toFault({ ...fault, path: [...name.split('.'), ...path], message });
    return {
      file: speaker?.by ?? found.shown,
      path: formatPath([speaker?.source ?? name, ...path]),
      message,
    };
  };
  const checked = checkServerFile(parsed.value, {
    given,
    sources: { env, readFile: (path) => readFileSync(resolve(cwd, path)) },
  });
  if (!checked.ok)
    return {
      faults: checked.faults.map(place).sort(byPosition),
      warnings: environment.warnings,
    };
  return {
    settings: deepFreeze(toSettings(checked.value, cwd, options.cores ?? availableParallelism())),
    warnings: environment.warnings,
    ...definedOnly({ file: found.path }),
    effective: table.map((setting) => toEffective(setting, given.get(setting.name))),
  };
};

interface FoundFile {
  readonly path?: string;
  readonly shown: string;
  readonly value: unknown;
  readonly toFault: YamlSource['toFault'];
}

const readServerFile = ({
  file,
  env,
  cwd,
}: ServerSettingsOptions): FoundFile | { readonly faults: readonly Fault[] } => {
  const named = file ?? (env[configVariable] || undefined);
  for (const candidate of named === undefined
    ? ['config/server.yaml', '/etc/drawbridge/server.yaml']
    : [named]) {
    const path = resolve(cwd, candidate);
    const shown = relative(cwd, path).startsWith('..') ? path : relative(cwd, path);
    let text: string;
    try {
      text = readFileSync(path, 'utf8');
    } catch (error) {
      if (named === undefined && codeOf(error) === 'ENOENT') continue;
      const message = `cannot be read (${codeOf(error)}); check the name and the rights`;
      return { faults: [{ file: shown, path: '', message }] };
    }
    const yaml = parseYaml(text, shown);
    return 'faults' in yaml ? yaml : { path, shown, value: yaml.value ?? {}, toFault: yaml.toFault };
  }
  const shown = 'config/server.yaml';
  return {
    shown,
    value: {},
    toFault: ({ path, message }) => ({ file: shown, path: path.join('.'), message }),
  };
};

const unknownFlags = (flags: Readonly<Record<string, string>>, table: readonly Setting[]): readonly Fault[] =>
  Object.keys(flags)
    .filter((name) => !table.some((setting) => setting.name === name))
    .map((name) => ({ file: 'command line', path: name, message: 'is not a setting' }));

const settingIn = (value: unknown, name: string): unknown => {
  const [section = '', key = ''] = name.split('.');
  return (value as Record<string, Record<string, unknown> | null> | null)?.[section]?.[key] ?? undefined; // shape is judged by the schema
};

const nest = (given: ReadonlyMap<string, GivenValue>): Record<string, Record<string, unknown>> => {
  const nested: Record<string, Record<string, unknown>> = {};
  for (const [name, { value }] of given) {
    const [section = '', key = ''] = name.split('.');
    nested[section] = { ...nested[section], [key]: value };
  }
  return nested;
};

type ReadSetting =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly faults: readonly PathFault[] };

/** Text to the first kind of value that the setting's schema takes. */
const readText = (name: string, text: string): ReadSetting => {
  const [section = '', key = ''] = name.split('.');
  const sections = serverSchema.shape as Readonly<Record<string, { unwrap(): z.ZodObject }>>; // each is a prefaulted object
  const schema = sections[section]?.unwrap().shape[key] as z.ZodType; // the name is from the table, which is read off the schema
  if (jsonSettings.has(name)) return readJson(schema, text);
  const candidates: unknown[] = [text];
  if (/^\d+$/.test(text)) candidates.push(Number(text));
  if (text === 'true' || text === 'false') candidates.push(text === 'true');
  if (schema.safeParse([]).success)
    candidates.push(
      text
        .split(',')
        .map((part) => part.trim())
        .filter(Boolean),
    );
  let faults: readonly PathFault[] = [];
  for (const candidate of candidates) {
    const parsed = parseBySchema(schema, candidate);
    if (parsed.ok) return { ok: true, value: candidate };
    faults = parsed.faults;
  }
  return { ok: false, faults: faults.slice(0, 1) };
};

/** Lists of mappings, for which a line of text has no other form. */
const jsonSettings: ReadonlySet<string> = new Set(['gateway.services']);

const readJson = (schema: z.ZodType, text: string): ReadSetting => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // what the parser says quotes the text
    return { ok: false, faults: [{ path: [], message: 'is not JSON; write [{"name": …, …}]' }] };
  }
  const parsed = parseBySchema(schema, value);
  return parsed.ok ? { ok: true, value } : parsed;
};

const toSettings = (file: ResolvedServerFile, cwd: string, cores: number): ServerSettings => {
  const { publicUrl: _, secretKey, workers, drainDelay, drainTimeout, ...server } = file.server;
  const { rescan, directory, ...tenants } = file.tenants;
  const { memory, concurrency, ...passwords } = file.passwords;
  return {
    server: {
      ...server,
      publicUrl: publicUrlOf(file.server),
      ...definedOnly({ secretKey }),
      workers: workers === 'auto' ? cores : workers,
      drainDelayMs: drainDelay,
      drainTimeoutMs: drainTimeout,
    },
    storage: {
      url: file.storage.url.startsWith('file:')
        ? `file:${resolve(cwd, file.storage.url.slice('file:'.length))}`
        : file.storage.url,
    },
    tenants: { ...tenants, directory: resolve(cwd, directory), rescanMs: rescan },
    passwords: {
      ...passwords,
      memoryKiB: memory,
      // libuv has four threads for them by default
      concurrency: concurrency === 'auto' ? Math.min(cores, 4) : concurrency,
    },
    log: file.log,
    management: file.management,
    gateway: file.gateway,
  };
};

const toEffective = (setting: Setting, given: GivenValue | undefined): EffectiveSetting => {
  if (given === undefined)
    return {
      ...setting,
      source: 'default',
      ...definedOnly({ value: setting.default }),
    };
  const text = typeof given.value === 'string' ? given.value : JSON.stringify(given.value);
  return {
    ...setting,
    value: setting.isSecret ? maskSecret(setting.name, text) : text,
    source: given.source,
  };
};

const maskSecret = (name: string, text: string): string => {
  if (/^env:\w+$/.test(text)) return text;
  if (name === 'server.secretKey' || name === 'gateway.proxySecret')
    return /^file:\//.test(text) ? text : '(set)';
  // Options of the URL may hold credentials too, such as those of a proxy.
  return text.replace(/\/\/[^/]*@/, '//***@').replace(/\?.*$/s, '?***');
};
