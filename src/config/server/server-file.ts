import { readFileSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import type { Fault } from '../parsing/fault.ts';
import { codeOf } from '../parsing/secrets.ts';
import { parseYaml, type YamlSource } from '../parsing/yaml-source.ts';
import { configVariable } from './environment.ts';

export interface ServerFilePlace {
  /** As `--config` names it; relative to `cwd`. */
  readonly file?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

/** Without a file: empty, under the name that it would have. */
export interface FoundFile {
  readonly path?: string;
  readonly shown: string;
  readonly text?: string;
  readonly value: unknown;
  readonly emptyKeys: YamlSource['emptyKeys'];
  readonly toFault: YamlSource['toFault'];
}

export const readServerFile = ({
  file,
  env,
  cwd,
}: ServerFilePlace): FoundFile | { readonly faults: readonly Fault[] } => {
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
    return 'faults' in yaml ? yaml : { ...yaml, path, shown, text, value: yaml.value ?? {} };
  }
  const shown = 'config/server.yaml';
  return {
    shown,
    value: {},
    emptyKeys: [],
    toFault: ({ path, message }) => ({ file: shown, path: path.join('.'), message }),
  };
};
