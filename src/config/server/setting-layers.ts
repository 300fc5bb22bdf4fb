// Which settings are given, and where: on the command line, by the environment or in the file.
import type { Fault } from '../parsing/fault.ts';
import { byPosition } from '../parsing/fault.ts';
import { parseYamlBySchema } from '../parsing/schema-faults.ts';
import { formatPath } from '../parsing/yaml-source.ts';
import type { EnvironmentLayer } from './environment.ts';
import type { FoundFile } from './server-file.ts';
import { serverSchema } from './server-schema.ts';
import { readSettingText } from './setting-text.ts';
import type { Setting } from './settings-table.ts';

/** A value and where it was given. */
export interface GivenValue {
  readonly value: unknown;
  readonly layer: SettingLayer['name'];
  /** The variable's name, the file's, or on the command line the setting's own. */
  readonly source: string;
}

/** One place where settings are given. */
export interface SettingLayer {
  readonly name: 'command line' | 'environment' | 'file';
  /** Of the layer as a whole, whichever of its settings are in force. */
  readonly faults: readonly Fault[];
  /** Undefined when the setting is not given here. */
  find(setting: string): GivenSetting | undefined;
}

interface GivenSetting {
  readonly source: string;
  readonly read: ReturnType<typeof readSettingText>;
}

export const flagLayer = (
  flags: Readonly<Record<string, string>>,
  table: readonly Setting[],
): SettingLayer => ({
  name: 'command line',
  faults: Object.keys(flags)
    .filter((name) => !table.some((setting) => setting.name === name))
    .map((name) => ({ file: 'command line', path: name, message: 'is not a setting' })),
  find: (setting) => {
    const text = flags[setting];
    return text === undefined ? undefined : { source: setting, read: readSettingText(setting, text) };
  },
});

export const environmentLayer = ({ values, faults }: EnvironmentLayer): SettingLayer => ({
  name: 'environment',
  faults: faults.map(({ variable, message }) => ({ file: 'environment', path: variable, message })),
  find: (setting) => {
    const given = values.get(setting);
    return given && { source: given.variable, read: readSettingText(setting, given.text) };
  },
});

export const fileLayer = ({ value, emptyKeys, shown, toFault }: FoundFile): SettingLayer => {
  const parsed = parseYamlBySchema(serverSchema, { value: value ?? {}, emptyKeys });
  return {
    name: 'file',
    faults: parsed.ok ? [] : parsed.faults.map(toFault).sort(byPosition),
    find: (setting) => {
      const found = settingIn(value, setting);
      // that it fits is checked above, with the rest of the file
      return found === undefined ? undefined : { source: shown, read: { ok: true, value: found } };
    },
  };
};

export interface Collected {
  /** By the setting's name. */
  readonly given: ReadonlyMap<string, GivenValue>;
  readonly faults: readonly Fault[];
}

/** Each setting from the first of the layers that has it; what is overridden is not read. */
export const collectSettings = (table: readonly Setting[], layers: readonly SettingLayer[]): Collected => {
  const given = new Map<string, GivenValue>();
  const faults = layers.flatMap((layer) => layer.faults);
  for (const { name } of table) {
    const first = findFirst(layers, name);
    if (first === undefined) continue;
    const { layer, source, read } = first;
    if (read.ok) given.set(name, { value: read.value, layer, source });
    else
      for (const { path, message } of read.faults)
        faults.push({ file: layer, path: formatPath([source, ...path]), message });
  }
  return { given, faults };
};

const findFirst = (layers: readonly SettingLayer[], setting: string) => {
  for (const layer of layers) {
    const found = layer.find(setting);
    if (found !== undefined) return { layer: layer.name, ...found };
  }
  return undefined;
};

const settingIn = (value: unknown, name: string): unknown => {
  const [section = '', key = ''] = name.split('.');
  return (value as Record<string, Record<string, unknown> | null> | null)?.[section]?.[key] ?? undefined; // shape is judged by the schema
};
