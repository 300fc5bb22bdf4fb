import { LRUCache } from 'lru-cache';
import type { TenantDefinition } from '../config/tenant/tenant-definition.ts';
import type { Log } from '../log.ts';
import type { TenantFile, TenantFiles } from './tenant-files.ts';

/** The result of reading a tenant's file. */
export type TenantVerdict =
  | { readonly definition: TenantDefinition }
  /** One line each: file:line:column and what to write instead. */
  | { readonly faults: readonly string[] };

export type TenantLookup<T> =
  | { readonly status: 'served'; readonly tenant: T }
  | { readonly status: 'unknown' }
  /** Its file has had faults since the start. */
  | { readonly status: 'broken' }
  /** It must not be served here; `reason` may be shown. */
  | { readonly status: 'refused'; readonly reason: string };

export interface BrokenTenant {
  readonly id: string;
  readonly faults: readonly string[];
  /** The last good version is still served. */
  readonly isServed: boolean;
}

export interface TenantRegistry<T> {
  /** The tenant, built if need be. A failed build is thrown and not remembered. */
  find(id: string): Promise<TenantLookup<T>>;
  /** The tenant if it is built and up to date with its file, without waiting. */
  findWarm(id: string): T | undefined;
  /** Definitions of all tenants that are served; waits for the first check of all files. */
  list(): Promise<readonly TenantDefinition[]>;
  /** The same as far as their files were read by now. */
  known(): readonly TenantDefinition[];
  /** Public URLs of tenants that have a host of their own, as far as their files were read. */
  publicUrls(): ReadonlySet<string>;
  status(): {
    readonly files: number;
    readonly checked: number;
    readonly isChecked: boolean;
    /** Built and kept. */
    readonly warm: number;
    readonly broken: readonly BrokenTenant[];
    /** Their files are right, but they must not be served here; `reason` is for the operator. */
    readonly refused: readonly { readonly id: string; readonly reason: string }[];
  };
  /** Reads the changes in the directory. */
  rescan(): Promise<void>;
  close(): Promise<void>;
}

export interface TenantRegistryParts<T> {
  readonly files: TenantFiles;
  /** Changes with the file's text and with the secrets that it refers to; cheap. */
  readonly fingerprint: (file: TenantFile) => Promise<string>;
  readonly judge: (file: TenantFile) => Promise<TenantVerdict>;
  readonly build: (definition: TenantDefinition) => Promise<T>;
  /** Warnings about a definition that is served all the same; each is logged for the operator. */
  readonly warningsOf: (definition: TenantDefinition) => readonly string[];
  /** Why a tenant must not be served here, or undefined. */
  readonly refusalOf: (definition: TenantDefinition) => string | undefined;
  readonly warmLimit: number;
  readonly rescanMs: number;
  readonly log: Log;
}

interface Entry {
  fingerprint?: string;
  definition?: TenantDefinition;
  /** Why the definition must not be served here. */
  refusal?: string | undefined;
  faults?: readonly string[];
}

interface Built<T> {
  readonly version: string;
  readonly tenant: Promise<T>;
  /** The tenant, once the promise is fulfilled. */
  ready?: T;
}

/**
 * Tenants by id: files are read when first asked for and checked in the background, providers are built on first use,
 * kept as promises and forgotten least recently used. A new definition is used from the next request on; requests
 * under way finish on the one they began with.
 */
export const openTenantRegistry = async <T>(parts: TenantRegistryParts<T>): Promise<TenantRegistry<T>> => {
  const { files, log } = parts;
  const entries = new Map<string, Entry>();
  // no `fetchMethod`: an entry is replaced when its version is no longer that of the file
  const built = new LRUCache<string, Built<T>>({ max: parts.warmLimit });
  let isChecked = false;
  let publicUrls: ReadonlySet<string> | undefined;

  const take = (id: string, entry: Entry, verdict: TenantVerdict): void => {
    if ('faults' in verdict) {
      entry.faults = verdict.faults;
      log.error(
        { tenant: id, faults: verdict.faults, isServed: entry.definition !== undefined },
        'a tenant file is broken',
      );
      return;
    }
    const isNew = entry.definition?.version !== verdict.definition.version;
    if (entry.faults !== undefined) log.info({ tenant: id }, 'a tenant file is right again');
    else if (isNew && entry.definition !== undefined) log.info({ tenant: id }, 'a tenant has changed');
    publicUrls = undefined;
    delete entry.faults;
    entry.definition = verdict.definition;
    if (!isNew) return;
    for (const warning of parts.warningsOf(verdict.definition)) log.warn({ tenant: id }, warning);
    entry.refusal = parts.refusalOf(verdict.definition);
    if (entry.refusal !== undefined)
      log.warn({ tenant: id, reason: entry.refusal }, 'a tenant is not served');
  };

  /** Reads the file again and uses its present content. */
  const check = async (id: string): Promise<Entry | undefined> => {
    const file = await files.read(id);
    if (file === undefined) {
      if (entries.delete(id)) log.info({ tenant: id }, 'a tenant was removed');
      built.delete(id);
      publicUrls = undefined;
      return undefined;
    }
    const entry = entries.get(id) ?? {};
    entries.set(id, entry);
    const fingerprint = await parts.fingerprint(file);
    if (entry.fingerprint === fingerprint) return entry;
    const verdict = await parts.judge(file);
    entry.fingerprint = fingerprint;
    take(id, entry, verdict);
    return entry;
  };

  const rescan = async (): Promise<void> => {
    const ids = new Set(await files.list());
    for (const id of entries.keys()) if (!ids.has(id)) await check(id);
    for (const id of ids) await check(id);
    isChecked = true;
  };

  const buildTenant = (definition: TenantDefinition): Promise<T> => {
    const { id, version } = definition;
    const warm = built.get(id);
    const kept: Built<T> = warm?.version === version ? warm : { version, tenant: parts.build(definition) };
    if (kept === warm) return kept.tenant;
    built.set(id, kept);
    kept.tenant.then(
      (tenant) => {
        kept.ready = tenant;
      },
      () => {
        if (built.peek(id) === kept) built.delete(id);
      },
    );
    return kept.tenant;
  };

  const known = (): readonly TenantDefinition[] =>
    [...entries.values()].flatMap(({ definition, refusal }) =>
      definition === undefined || refusal !== undefined ? [] : [definition],
    );

  for (const id of await files.list()) entries.set(id, {});
  const runs = createSerialRuns(rescan, log);
  const firstCheck = runs.run();
  const watcher = await files.watch(() => void runs.run());
  const timer = setInterval(() => void runs.run(), parts.rescanMs);
  timer.unref();

  return {
    find: async (id) => {
      const seen = entries.get(id);
      if (seen === undefined) return { status: 'unknown' };
      const entry = seen.fingerprint === undefined ? await check(id) : seen;
      if (entry === undefined) return { status: 'unknown' };
      const { definition, refusal } = entry;
      if (definition === undefined) return { status: 'broken' };
      return refusal === undefined
        ? { status: 'served', tenant: await buildTenant(definition) }
        : { status: 'refused', reason: refusal };
    },
    findWarm: (id) => {
      const { definition, refusal } = entries.get(id) ?? {};
      const warm = built.get(id);
      const isCurrent = refusal === undefined && warm?.version === definition?.version;
      return isCurrent ? warm?.ready : undefined;
    },
    list: async () => {
      await firstCheck;
      return known();
    },
    known,
    publicUrls: () => {
      publicUrls ??= new Set(
        [...definitionsOf(entries.values())].flatMap((definition) => definition.publicUrl ?? []),
      );
      return publicUrls;
    },
    status: () => ({
      files: entries.size,
      checked: [...entries.values()].filter(({ fingerprint }) => fingerprint !== undefined).length,
      isChecked,
      warm: built.size,
      broken: [...entries].flatMap(([id, { faults, definition, refusal }]) =>
        faults === undefined
          ? []
          : [{ id, faults, isServed: definition !== undefined && refusal === undefined }],
      ),
      refused: [...entries].flatMap(([id, { refusal }]) =>
        refusal === undefined ? [] : [{ id, reason: refusal }],
      ),
    }),
    rescan: () => runs.run(),
    close: async () => {
      clearInterval(timer);
      await watcher.close();
      await runs.settled();
    },
  };
};

function* definitionsOf(entries: Iterable<Entry>): Iterable<TenantDefinition> {
  for (const { definition } of entries) if (definition !== undefined) yield definition;
}

/**
 * One run at a time; calls during a run make one more after it. A run that fails is logged, the next one tries again.
 */
const createSerialRuns = (
  work: () => Promise<void>,
  log: Log,
): { run(): Promise<void>; settled(): Promise<void> } => {
  let current = Promise.resolve();
  let next: Promise<void> | undefined;
  const start = async (): Promise<void> => {
    try {
      await work();
    } catch (err) {
      log.error({ err }, 'the tenants could not be read');
    }
  };
  return {
    run: () => {
      next ??= current.then(() => {
        next = undefined;
        current = start();
        return current;
      });
      return next;
    },
    settled: async () => {
      await next;
      await current;
    },
  };
};
