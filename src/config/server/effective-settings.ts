import { definedOnly } from '../../defined-only.ts';
import type { GivenValue } from './setting-layers.ts';
import type { Setting } from './settings-table.ts';

/** One setting as it is in force. */
export interface EffectiveSetting extends Setting {
  /** As one would write it in YAML; secrets are masked. Absent when neither set nor given a default. */
  readonly value?: string;
  /** The file, the variable, `command line` or `default`. */
  readonly source: string;
}

export const toEffective = (setting: Setting, given: GivenValue | undefined): EffectiveSetting => {
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

const wholeSecrets: ReadonlySet<string> = new Set([
  'server.secretKey',
  'gateway.proxySecret',
  'mail.password',
]);

const maskSecret = (name: string, text: string): string => {
  if (/^env:\w+$/.test(text)) return text;
  if (wholeSecrets.has(name)) return /^file:\//.test(text) ? text : '(set)';
  // Options of the URL may hold credentials too, such as those of a proxy.
  return text.replace(/\/\/[^/]*@/, '//***@').replace(/\?.*$/s, '?***');
};
