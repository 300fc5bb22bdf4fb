// What MongoDB says of how it would run a command that was sent.

export type Command = Readonly<Record<string, unknown>>;

/** Names of commands. */
export const explainable = ['find', 'aggregate', 'update', 'delete', 'findAndModify', 'distinct', 'count'];
const ofTheSession = [
  'lsid',
  '$db',
  '$clusterTime',
  'txnNumber',
  '$readPreference',
  'writeConcern',
  'maxTimeMS',
];

/** An explain takes one statement at a time, and nothing of session, time or write concern. */
export const explanationsOf = (name: string, command: Command): readonly Command[] => {
  const plain = Object.fromEntries(
    Object.entries(command).filter(([field]) => !ofTheSession.includes(field)),
  );
  const list = name === 'update' ? 'updates' : 'deletes';
  if (name !== 'update' && name !== 'delete') return [plain];
  return (command[list] as readonly unknown[]).map((statement) => ({ ...plain, [list]: [statement] }));
};

/** Every value of the given name in a plan, however deep. */
export const collect = (value: unknown, name: string): readonly unknown[] => {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([field, inner]) => [
    ...(field === name ? [inner] : []),
    ...collect(inner, name),
  ]);
};
