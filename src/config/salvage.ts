import type { PathFault } from './fault.ts';
import { parseBySchema } from './schema-faults.ts';
import { type TenantFileContent, tenantSchema } from './tenant-schema.ts';

const lists = ['clients', 'resources', 'users'] as const;
type List = (typeof lists)[number];

/** What of a file can be judged, and which places its list entries have in the file. */
export interface JudgedContent {
  readonly content: TenantFileContent;
  readonly places: Readonly<Record<List, readonly number[]>>;
}

export const wholeContent = (content: TenantFileContent): JudgedContent => ({
  content,
  places: {
    clients: content.clients.map((_, index) => index),
    resources: content.resources.map((_, index) => index),
    users: content.users.map((_, index) => index),
  },
});

/**
 * The file without its unknown keys and without the clients, resources and users that are wrong, so that the rules
 * between keys are told in the same run as the faults of single values. Undefined when a key is wrong on which those
 * rules depend: they would complain of things that are right.
 */
export const salvage = (value: unknown, faults: readonly PathFault[]): JudgedContent | undefined => {
  if (typeof value !== 'object' || value === null) return undefined;
  const rest = structuredClone(value) as Record<string, unknown>; // a YAML mapping has text keys
  const dropped: Record<List, Set<number>> = { clients: new Set(), resources: new Set(), users: new Set() };
  for (const { path, atKey } of faults) {
    const [first, second] = path;
    const list = lists.find((name) => name === first);
    if (atKey) deleteKey(rest, path);
    else if (list !== undefined && typeof second === 'number') dropped[list].add(second);
    else return undefined;
  }
  const places: Record<List, number[]> = { clients: [], resources: [], users: [] };
  for (const list of lists) {
    const entries = rest[list];
    if (!Array.isArray(entries)) continue;
    places[list] = [...entries.keys()].filter((index) => !dropped[list].has(index));
    rest[list] = places[list].map((index) => entries[index]);
  }
  const parsed = parseBySchema(tenantSchema, rest);
  return parsed.ok ? { content: parsed.value, places } : undefined;
};

const deleteKey = (root: Record<string, unknown>, path: PathFault['path']): void => {
  let holder: unknown = root;
  for (const step of path.slice(0, -1))
    holder = (holder as Record<string | number, unknown> | undefined)?.[step]; // the schema found the key there
  if (typeof holder === 'object' && holder !== null) Reflect.deleteProperty(holder, path.at(-1) ?? '');
};
