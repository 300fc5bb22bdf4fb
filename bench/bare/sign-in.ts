import { argon2id, hash, verify } from 'argon2';
import type { HashCost } from '../targets/task.ts';
import type { BarePerson, BareStore } from './bare-store.ts';

/** Resolves to the person's subject, undefined when name or password is wrong. */
export type SignIn = (username: string, password: string) => Promise<string | undefined>;

export const createSignIn =
  (people: BareStore['people']): SignIn =>
  async (username, password) => {
    const person = await people.findByName(username);
    return person !== undefined && (await verify(person.hash, password)) ? person.id : undefined;
  };

export const addPerson = async (
  people: BareStore['people'],
  { password, ...person }: Omit<BarePerson, 'id' | 'hash'> & { readonly password: string },
  cost: HashCost,
): Promise<void> => {
  const { memoryKiB: memoryCost, iterations: timeCost, parallelism } = cost;
  const phc = await hash(password, { type: argon2id, memoryCost, timeCost, parallelism });
  await people.add({ ...person, id: person.username, hash: phc });
};
