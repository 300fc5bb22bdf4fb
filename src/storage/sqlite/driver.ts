/** The part of the API of node:sqlite that is used here; the addon has the same API. */
export interface Database {
  exec(sql: string): void;
  prepare(sql: string): Statement;
  close(): void;
}

export type Value = string | number | null;

export interface Statement {
  run(...values: Value[]): { readonly changes: number | bigint };
  get(...values: Value[]): unknown;
  all(...values: Value[]): unknown[];
}

type OpenDatabase = (file: string) => Database;

/**
 * The addon runs on all supported lines of Node; where it has no binary for the platform, the built-in module of
 * Node 24 does the same.
 */
export const loadDriver = async (): Promise<OpenDatabase> => {
  try {
    const { DatabaseSync } = await import('@photostructure/sqlite');
    return (file) => new DatabaseSync(file);
  } catch (cause) {
    if (Number.parseInt(process.versions.node, 10) < 24) throw cause;
    const builtIn = 'node:sqlite'; // not known to the type definitions of the oldest supported Node
    const { DatabaseSync } = (await import(builtIn)) as { DatabaseSync: new (file: string) => Database };
    return (file) => new DatabaseSync(file);
  }
};
