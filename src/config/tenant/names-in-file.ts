/**
 * All names in a file, also those of broken entries, so that a broken entry causes no second fault where it is
 * referred to. Undefined where not all names can be known.
 */
export interface NamesInFile {
  readonly clients: ReadonlySet<string> | undefined;
  readonly resources: ReadonlySet<string> | undefined;
  readonly resourceCount: number;
}

export const namesInFile = (value: unknown, doubtful: ReadonlySet<string>): NamesInFile => ({
  clients: doubtful.has('clients') ? undefined : collect(value, 'clients', 'client_id'),
  resources: doubtful.has('resources') ? undefined : collect(value, 'resources', 'identifier'),
  resourceCount: listIn(value, 'resources').length,
});

const collect = (value: unknown, list: string, key: string): ReadonlySet<string> | undefined => {
  const names = listIn(value, list).map((entry) => (entry as Record<string, unknown> | null)?.[key]); // of any type; only texts are used
  return names.every((name) => typeof name === 'string') ? new Set(names) : undefined;
};

const listIn = (value: unknown, list: string): readonly unknown[] => {
  const entries = (value as Record<string, unknown> | null)?.[list]; // of any type; only lists are used
  return Array.isArray(entries) ? entries : [];
};
