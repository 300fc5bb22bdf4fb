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
  readonly fileIndexes: FileIndexes;
}

/** For each entry of a list in the content, the index in the file, by which faults name it. */
export type FileIndexes = Readonly<Record<List, readonly number[]>>;

export const wholeContent = (content: TenantFileContent): JudgedContent => ({
  content,
  doubtful: new Set(),
  fileIndexes: {
    clients: [...content.clients.keys()],
    resources: [...content.resources.keys()],
    users: [...content.users.keys()],
    sources: [...(content.sources ?? []).keys()],
  },
});

/**
 * The file without its unknown keys, without wrong values, and without the entries of lists that are wrong, so that one
 * run reports the faults of single values and those between keys. Undefined when the file is no mapping.
 */
export const partialContent = (value: unknown, faults: readonly PathFault[]): JudgedContent | undefined => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const remedies = faults.map((fault) => remedyFor(fault, value));
  const doubtful = new Set(remedies.flatMap((remedy) => remedy.doubted ?? []));
  const { rest, fileIndexes } = withoutFaults(value, remedies);
  const parsed = parseBySchema(tenantSchema, { ...rest, ...lenientDefaults(doubtful) });
  return parsed.ok ? { content: parsed.value, doubtful, fileIndexes } : undefined;
};

/** What is left out of the file because of a fault. */
type Remedy = (
  | { readonly kind: 'drop entry'; readonly list: List; readonly fileIndex: number }
  | { readonly kind: 'delete key'; readonly path: FaultPath }
) & {
  /** A top-level key whose value is not known without it. */
  readonly doubted?: string;
};

const remedyFor = ({ path, atKey }: PathFault, file: object): Remedy => {
  const [first, second] = path;
  const list = lists.find((name) => name === first);
  if (list === undefined || typeof second !== 'number') {
    // of a list of names, one that is wrong spoils all
    const spoilt = path.some((step) => typeof step === 'number') ? path.slice(0, 1) : path;
    return { kind: 'delete key', path: spoilt, doubted: meantKey(String(first), file) };
  }
  // a source is judged whole or not at all: what seems to be missing may stand under the misspelt key
  if (list === 'sources') return { kind: 'drop entry', list, fileIndex: second, doubted: list };
  return atKey === true ? { kind: 'delete key', path } : { kind: 'drop entry', list, fileIndex: second };
};

interface Remedied {
  readonly rest: Readonly<Record<string, unknown>>;
  readonly fileIndexes: FileIndexes;
}

const withoutFaults = (value: object, remedies: readonly Remedy[]): Remedied => {
  const rest = structuredClone(value) as Record<string, unknown>; // a YAML mapping has text keys
  for (const remedy of remedies) if (remedy.kind === 'delete key') deleteKey(rest, remedy.path);
  const fileIndexes: Record<List, readonly number[]> = { clients: [], resources: [], users: [], sources: [] };
  for (const list of lists) {
    const entries = rest[list];
    if (!Array.isArray(entries)) continue;
    const dropped = new Set(
      remedies.flatMap((one) => (one.kind === 'drop entry' && one.list === list ? [one.fileIndex] : [])),
    );
    fileIndexes[list] = [...entries.keys()].filter((index) => !dropped.has(index));
    rest[list] = fileIndexes[list].map((index) => entries[index]);
    // an empty list of sources would be a fault of its own, and no list means the local one
    if (list === 'sources' && dropped.size > 0 && fileIndexes.sources.length === 0) delete rest.sources;
  }
  return { rest, fileIndexes };
};

/** A key that is in doubt and decides about others is taken as the value that allows most. */
const lenientDefaults = (doubtful: ReadonlySet<string>) => ({
  ...(doubtful.has('demo') ? { demo: true } : {}),
  ...(doubtful.has('grants') ? { grants: { password: true } } : {}),
});

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
