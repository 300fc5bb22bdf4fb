import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createPictures, type Pictures } from '../../src/accounts/pictures.ts';
import type { AccountRecord, TenantStorage } from '../../src/storage/storage.ts';
import { openPeople, type People } from '../support/people.ts';

const by = { actor: 'alice' };
let people: People;
let alice: AccountRecord;
beforeEach(async () => {
  people = await openPeople();
  const added = await people.users().add({ username: 'alice', password: 'lantern orbit mosaic' });
  if (!added.ok) throw new Error(added.message);
  alice = added.account;
});
afterEach(() => people.close());

type Gate = () => Promise<void>;

/** The pictures of Alice, kept as they are sent; each write of the store waits for the gate. */
const picturesBehind = (gate: Gate): Pictures => {
  const { accounts, pictures } = people.tenant('acme');
  const storage: Pick<TenantStorage, 'accounts' | 'pictures'> = {
    accounts: {
      ...accounts,
      update: async (...change) => {
        await gate();
        return accounts.update(...change);
      },
    },
    pictures: {
      ...pictures,
      put: async (picture) => {
        await gate();
        await pictures.put(picture);
      },
      remove: async (sub) => {
        await gate();
        return pictures.remove(sub);
      },
    },
  };
  return createPictures({
    tenant: 'acme',
    issuer: 'https://login.example/oauth/acme',
    storage,
    rewrite: async (_tenant, file) => file,
    isElsewhere: () => false,
    audit: people.audit('acme'),
    clock: people.clock,
  });
};

const open: Gate = async () => {};

const createLatch = () => {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open: () => open() };
};

/** Lets all through but the given write, which waits for `release`. */
const gateHolding = (held: number) => {
  const arrived = createLatch();
  const released = createLatch();
  let writes = 0;
  const gate: Gate = async () => {
    writes += 1;
    if (writes !== held) return;
    arrived.open();
    await released.opened;
  };
  return { gate, arrived: arrived.opened, release: released.open };
};

const now = async (): Promise<AccountRecord> => {
  const found = await people.tenant('acme').accounts.findBySub(alice.sub);
  if (found === undefined) throw new Error('no account');
  return found;
};

/** What is served at the address that the account has. */
const shown = async (): Promise<string | undefined> => {
  const { pictureId } = await now();
  if (pictureId === undefined) return undefined;
  const file = await picturesBehind(open).find(alice.sub, pictureId);
  return file?.toString() ?? 'nothing';
};

describe('the picture of a person', () => {
  it.each([1, 2])('is there after two uploads at once, of which one is late with write %i', async (held) => {
    const { gate, arrived, release } = gateHolding(held);
    const late = picturesBehind(gate).replace(alice, Buffer.from('late'), by);
    await arrived;
    await picturesBehind(open).replace(alice, Buffer.from('early'), by);
    release();
    await late;
    expect(await shown()).toBe('late');
  });

  it('is there after many uploads at once, whoever is the last', async () => {
    const waiting: (() => void)[] = [];
    const callers = 20;
    let writes = 0;
    const allStored = createLatch();
    const gate: Gate = async () => {
      writes += 1;
      if (writes <= callers || writes > 2 * callers) return;
      await new Promise<void>((resolve) => {
        if (waiting.push(resolve) === callers) allStored.open();
      });
    };
    const pictures = picturesBehind(gate);
    const uploads = Array.from({ length: callers }, (_, index) =>
      pictures.replace(alice, Buffer.from(`picture ${index}`), by),
    );
    await allStored.opened;
    for (const proceed of waiting.reverse()) proceed();
    expect((await Promise.all(uploads)).every(({ ok }) => ok)).toBe(true);
    expect(await shown()).toMatch(/^picture \d+$/);
  });

  it.each([1, 2])('is not half removed by a removal that is late with write %i', async (held) => {
    await picturesBehind(open).replace(alice, Buffer.from('old'), by);
    const { gate, arrived, release } = gateHolding(held);
    const removal = picturesBehind(gate).remove(await now(), by);
    await arrived;
    await picturesBehind(open).replace(await now(), Buffer.from('new'), by);
    release();
    expect(await removal).toBe(true);
    expect(await shown()).toBeUndefined();
    expect(await people.tenant('acme').pictures.find(alice.sub)).toBeUndefined();
  });

  it('leaves no file of a person who was deleted meanwhile', async () => {
    const { gate, arrived, release } = gateHolding(1);
    const upload = picturesBehind(gate).replace(alice, Buffer.from('late'), by);
    await arrived;
    await people.users().remove('alice');
    release();
    await expect(upload).rejects.toMatchObject({ code: 'not_found' });
    expect(await people.tenant('acme').pictures.find(alice.sub)).toBeUndefined();
  });
});
