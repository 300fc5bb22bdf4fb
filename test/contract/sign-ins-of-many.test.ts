// Twenty thousand sessions of one tenant: what the list of one person looks at.
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import mongoose from 'mongoose';
import { pino } from 'pino';
import { createDevices } from '../../src/accounts/devices.ts';
import { createRevocations } from '../../src/accounts/revocations.ts';
import type { SignInEntry } from '../../src/accounts/sign-ins/sign-in-entry.ts';
import type { SignIns } from '../../src/accounts/sign-ins/sign-ins.ts';
import { createAudit } from '../../src/audit/audit.ts';
import { hashId } from '../../src/crypto/ids.ts';
import { authorizationsOf } from '../../src/oidc/adapter/artifact-payload.ts';
import type { Trip } from '../../src/storage/engine-options.ts';
import { openStorage } from '../../src/storage/open-storage.ts';
import type { Artifact, Storage } from '../../src/storage/storage.ts';
import { createPersonSignIns } from '../../src/tenants/person-sign-ins.ts';
import { type Command, collect, explainable, explanationsOf } from '../support/mongodb-explain.ts';
import { eachStore, type OpenedStore } from '../support/stores.ts';
import { createTestClock } from '../support/test-clock.ts';
import {
  account,
  apiKey,
  apiKeySecret,
  artifact,
  device,
  startMs,
  startSeconds,
  times,
} from './storage-samples.ts';

const sessionOf = (sub: string, n: number): Artifact =>
  artifact({
    ...{ kind: 'Session', id: `${sub}-${n}`, accountId: sub, payload: '{"amr":["pwd"]}', authorizations: {} },
    // some of one second
    ...{ signedInAt: startSeconds - 1 - Math.floor(n / 3), expiresAt: startSeconds + 3600 },
  });
/** With a grant of an app. */
const sessionWithApp = (sub: string, n: number): Artifact => ({
  ...sessionOf(sub, n),
  authorizations: { [Buffer.from('app').toString('base64url')]: JSON.stringify({ grantId: `${sub}-${n}` }) },
});
const grantOf = (sub: string, n: number): Artifact =>
  artifact({ kind: 'Grant', id: `g-${sub}-${n}`, accountId: sub, expiresAt: startSeconds + 3600 });
const refreshTokenOf = (sub: string, n: number, generation: number): Artifact =>
  artifact({
    ...{ kind: 'RefreshToken', id: `${sub}-${n}-${generation}`, accountId: sub, grantId: `g-${sub}-${n}` },
    ...{ payload: '{"clientId":"app"}', signedInAt: startSeconds - 1 - n, expiresAt: startSeconds + 3600 },
  });
const gatewaySessionOf = (sub: string, n: number, sessionUid?: string): Artifact =>
  artifact({
    ...{ kind: 'GatewaySession', id: `w-${sub}-${n}`, accountId: sub, signedInAt: startSeconds - 1 },
    ...{ payload: '{"host":"files.example.com","amr":["pwd"]}', expiresAt: startSeconds + 3600 },
    ...(sessionUid === undefined ? {} : { sessionUid }),
  });

/** Of `bob`. */
const own = { sessions: 5000, withApp: 2400, tokens: 300, generations: 4, atServices: 200 } as const;

eachStore((engine) => {
  let store: OpenedStore;
  let storage: Storage;
  let signIns: SignIns;
  let mongo: mongoose.Connection | undefined;
  const trips: Trip[] = [];

  beforeAll(async () => {
    const clock = createTestClock(startMs);
    store = await engine.open();
    const options = { url: store.url, clock, log: pino({ enabled: false }) };
    storage = await openStorage({ ...options, onTrip: (trip) => trips.push(trip) });
    if (engine.name === 'mongodb') mongo = await mongoose.createConnection(store.url).asPromise();
    const ofAcme = storage.forTenant('acme');
    const { artifacts, accounts, devices, apiKeys } = ofAcme;
    const all = [
      ...times(15_000 - 3, (n) => sessionOf(`other-${n % 500}`, n)),
      ...times(own.withApp, (n) => sessionWithApp('bob', n)),
      ...times(own.withApp, (n) => ({ ...grantOf('bob', n), id: hashId(`bob-${n}`) })),
      ...times(own.sessions - own.withApp, (n) => sessionOf('bob', own.withApp + n)),
      ...times(3, (n) => sessionOf('alice', n)),
      ...times(own.tokens, (n) => grantOf('bob', n)),
      ...times(own.tokens * own.generations, (n) =>
        refreshTokenOf('bob', Math.floor(n / own.generations), n % own.generations),
      ),
      ...times(own.atServices, (n) => gatewaySessionOf('bob', n)),
      ...times(own.sessions / 10, (n) => gatewaySessionOf('bob', 1000 + n, `bob-${n * 10}`)),
      ...times(2000, (n) => gatewaySessionOf(`other-${n % 500}`, n, `other-${n % 500}-${n}`)),
    ];
    for (let from = 0; from < all.length; from += 500)
      await artifacts.write(all.slice(from, from + 500).map((one) => ({ op: 'insert', artifact: one })));
    for (let n = 0; n < own.tokens * own.generations; n += 1) {
      const [grant, generation] = [Math.floor(n / own.generations), n % own.generations];
      if (generation < own.generations - 1)
        await artifacts.consume('RefreshToken', `bob-${grant}-${generation}`, startMs);
    }
    for (const sub of ['alice', 'bob'])
      await accounts.insert(account({ sub, username: sub, logins: [sub], notBefore: 0 }));
    await devices.signIn(device({ sub: 'alice', grantId: 'g-bob-1' }));
    await apiKeys.insert(apiKey({ secrets: [apiKeySecret('a')] }));
    const audit = createAudit({ records: ofAcme.audit, log: pino({ enabled: false }), clock });
    const wantsLogout = () => false;
    const revocations = createRevocations({ storage: ofAcme, authorizationsOf, wantsLogout, clock });
    const shared = { storage: ofAcme, revocations, audit, clock };
    signIns = createPersonSignIns({
      ...shared,
      devices: createDevices({ ...shared, authorizationsOf }),
    }).signIns;
  }, 120_000);

  afterAll(async () => {
    await storage.close();
    await mongo?.close();
    await store.cleanup();
  });

  /** Documents and keys of an index that MongoDB looks at for the commands of the trips; nothing on the embedded store. */
  const examined = async (): Promise<readonly number[]> => {
    const counts: number[] = [];
    for (const { name, detail } of trips) {
      if (mongo === undefined || !explainable.includes(name)) continue;
      for (const explain of explanationsOf(name, detail as Command)) {
        const plan = await mongo.db?.command({ explain, verbosity: 'executionStats' });
        for (const fact of ['totalDocsExamined', 'totalKeysExamined'])
          counts.push(...collect(plan, fact).map(Number));
      }
    }
    return counts;
  };

  const pagesOf = async (sub: string) => {
    const pages: {
      readonly entries: readonly SignInEntry[];
      readonly trips: readonly string[];
      readonly most: number;
    }[] = [];
    let cursor: string | undefined;
    do {
      trips.splice(0);
      const page = await signIns.list(sub, { limit: 100, ...(cursor === undefined ? {} : { cursor }) });
      const names = trips.map(({ name }) => name);
      // each fifteenth is explained: an explanation costs more than the page
      const counts = pages.length % 15 === 0 || page.next === undefined ? await examined() : [];
      pages.push({ entries: page.entries, trips: names, most: Math.max(0, ...counts) });
      cursor = page.next;
    } while (cursor !== undefined);
    return pages;
  };

  describe('a tenant with 20,000 sessions', () => {
    it('shows a person with few by looking at these alone', async () => {
      const pages = await pagesOf('alice');
      expect(pages).toHaveLength(1);
      expect(pages[0]?.entries.map(({ kind }) => kind)).toEqual(['session', 'session', 'session', 'api_key']);
      expect(pages[0]?.most).toBeLessThan(12);
    });

    it('shows a person with thousands page by page, each for the same price', async () => {
      const pages = await pagesOf('bob');
      const ids = pages.flatMap(({ entries }) => entries.map(({ kind, id }) => `${kind} ${id}`));
      expect(ids).toHaveLength(own.sessions + own.atServices + own.tokens);
      expect(new Set(ids).size).toBe(ids.length);
      const ofSessions = pages.slice(0, own.sessions / 100 - 1);
      expect(ofSessions.map(({ trips: names }) => names.length)).toEqual(
        times(ofSessions.length, (n) => (n < own.withApp / 100 ? 3 : 2)),
      );
      // the entries of a page, one more, the services of these sessions, and the two places where the index is entered
      expect(Math.max(...pages.map(({ most }) => most))).toBeLessThan(250);
      const services = pages
        .flatMap(({ entries }) => entries)
        .filter((one) => one.kind === 'session' && one.services.length > 0);
      expect(services).toHaveLength(own.sessions / 10);
      const withApp = pages
        .flatMap(({ entries }) => entries)
        .filter(({ kind, clients }) => kind === 'session' && clients.length > 0);
      expect(withApp).toHaveLength(own.withApp);
    });

    it('ends one without looking for it among all', async () => {
      trips.splice(0);
      expect(await signIns.end('bob', { kind: 'session', id: 'bob-4321' }, { actor: 'cli' })).toBe(true);
      expect(trips.length).toBeLessThan(8);
      expect(Math.max(0, ...(await examined()))).toBeLessThan(12);
    });

    it('ends all of one person, however many, and nothing of others', async () => {
      const ended = await signIns.endAll('bob', { actor: 'cli' });
      expect(ended).toEqual({ sessions: own.sessions - 1 + own.atServices, keys: 0 });
      expect((await pagesOf('bob')).map(({ entries }) => entries.length)).toEqual([0]);
      expect((await pagesOf('alice'))[0]?.entries).toHaveLength(4);
      const others = await storage.forTenant('acme').artifacts.sessionsOf('other-7');
      expect(others).toHaveLength(30);
    }, 60_000);
  });
});
