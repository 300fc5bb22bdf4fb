import type { FaultPath, PathFault } from '../parsing/fault.ts';
import { findNearest } from '../parsing/nearest.ts';
import { parseBySchema } from '../parsing/schema-faults.ts';
import { type TenantFileContent, tenantSchema } from './tenant-schema.ts';

const lists = ['clients', 'resources', 'users', 'sources'] as const;
type List = (typeof lists)[number];

/** The part of a file that can be checked, and the positions of its list entries in the file. */
export interface JudgedContent {
  readonly content: TenantFileContent;
  /** Top-level keys whose value could not be read, or stands under a misspelt key: no rule blames them. */
  readonly doubtful: ReadonlySet<string>;
  readonly places: Readonly<Record<List, readonly number[]>>;
}

export const wholeContent = (content: TenantFileContent): JudgedContent => ({
  content,
  doubtful: new Set(),
  places: {
    clients: content.clients.map((_, index) => index),
    resources: content.resources.map((_, index) => index),
    users: content.users.map((_, index) => index),
    sources: (content.sources ?? []).map((_, index) => index),
  },
});

/**
 * The file without its unknown keys, without wrong values, and without the clients, resources and users that are
 * wrong, so that one run reports the faults of single values and those between keys. A key that is in doubt and
 * decides about others is taken as the value that allows most. Undefined when the file is no mapping.
 */
export const partialContent = (value: unknown, faults: readonly PathFault[]): JudgedContent | undefined => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const rest = structuredClone(value) as Record<string, unknown>; // a YAML mapping has text keys
  const dropped: Record<List, Set<number>> = {
    clients: new Set(),
    resources: new Set(),
    users: new Set(),
    sources: new Set(),
  };
  const doubtful = new Set<string>();
  for (const { path, atKey } of faults) {
    const [first, second] = path;
    const list = lists.find((name) => name === first);
    if (list !== undefined && typeof second === 'number') {
      // a source is judged whole or not at all: what seems to be missing may stand under the misspelt key
      if (atKey && list !== 'sources') deleteKey(rest, path);
      else dropped[list].add(second);
      continue;
    }
    // Of a list of names, one that is wrong spoils all.
    deleteKey(rest, path.some((step) => typeof step === 'number') ? path.slice(0, 1) : path);
    doubtful.add(meantKey(String(first), value));
  }
  if (doubtful.has('demo')) rest.demo = true;
  if (doubtful.has('grants')) rest.grants = { password: true };
  const places: Record<List, number[]> = { clients: [], resources: [], users: [], sources: [] };
  for (const list of lists) {
    const entries = rest[list];
    if (!Array.isArray(entries)) continue;
    places[list] = [...entries.keys()].filter((index) => !dropped[list].has(index));
    rest[list] = places[list].map((index) => entries[index]);
  }
  // an empty list of sources would be a fault of its own, and no list would mean the local one
  if (dropped.sources.size > 0) doubtful.add('sources');
  if (dropped.sources.size > 0 && places.sources.length === 0) delete rest.sources;
  const parsed = parseBySchema(tenantSchema, rest);
  return parsed.ok ? { content: parsed.value, doubtful, places } : undefined;
};

/** The value of a key that stands misspelt is unknown, unless the right key is there too. */
const meantKey = (key: string, present: object): string => {
  const known = Object.keys(tenantSchema.shape);
  if (known.includes(key)) return key;
  const meant = findNearest(key, known);
  return meant === undefined || meant in present ? key : meant;
};

const deleteKey = (root: Record<string, unknown>, path: FaultPath): void => {
  let holder: unknown = root;
  for (const step of path.slice(0, -1))
    holder = (holder as Record<string | number, unknown> | undefined)?.[step]; // the schema found the key there
  if (typeof holder === 'object' && holder !== null) Reflect.deleteProperty(holder, path.at(-1) ?? '');
};
