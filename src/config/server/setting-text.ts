// The text of a flag or an environment variable, read as the value of its setting.
import type { z } from 'zod';
import type { PathFault } from '../parsing/fault.ts';
import { parseBySchema } from '../parsing/schema-faults.ts';
import { serverSchema } from './server-schema.ts';

export type ReadSetting =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly faults: readonly PathFault[] };

/** Text to the first kind of value that the setting's schema takes. */
export const readSettingText = (name: string, text: string): ReadSetting => {
  const [section = '', key = ''] = name.split('.');
  const sections = serverSchema.shape as Readonly<Record<string, { unwrap(): z.ZodObject }>>; // each is a prefaulted object
  const schema = sections[section]?.unwrap().shape[key] as z.ZodType; // the name is from the table, which is read off the schema
  if (jsonSettings.has(name)) return readJson(schema, text);
  const candidates: unknown[] = [text];
  if (/^\d+$/.test(text)) candidates.push(Number(text));
  if (text === 'true' || text === 'false') candidates.push(text === 'true');
  if (schema.safeParse([]).success) candidates.push(readList(text));
  let faults: readonly PathFault[] = [];
  for (const candidate of candidates) {
    const parsed = parseBySchema(schema, candidate);
    if (parsed.ok) return { ok: true, value: candidate };
    faults = parsed.faults;
  }
  return { ok: false, faults: faults.slice(0, 1) };
};

/** `[]` and `["10.0.0.0/8"]` as the table of settings shows them, or entries with commas between them. */
const readList = (text: string): unknown => {
  try {
    const list: unknown = JSON.parse(text);
    if (Array.isArray(list)) return list;
  } catch {
    // not JSON
  }
  return text
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean);
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
