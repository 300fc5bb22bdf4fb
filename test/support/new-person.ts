import type { TestServer } from './test-server.ts';

export interface NewPerson {
  readonly username: string;
  readonly password: string;
}

let added = 0;

/** A local user of `acme` whom no other test knows. */
export const addNewPerson = async (
  server: Pick<TestServer, 'users'>,
): Promise<{ readonly person: NewPerson; readonly sub: string }> => {
  added += 1;
  const person = { username: `dana-${added}`, password: 'lantern orbit mosaic' };
  const change = await server.users('acme').add({ ...person, email: `${person.username}@acme.example` });
  if (!change.ok) throw new Error(change.message);
  return { person, sub: change.account.sub };
};
