import { describe, expect, it } from '@jest/globals';
import type { Artifact, Artifacts, ArtifactWrite } from '../../src/storage/storage.ts';
import type { GetBench } from './storage.contract.ts';
import { artifact, session, startSeconds, times } from './storage-samples.ts';

const merge = (artifact: Artifact, removed: readonly string[] = []): ArtifactWrite => ({
  op: 'mergeSession',
  artifact,
  removed,
});

const find = async (artifacts: Artifacts, id = 'session-1') =>
  (await artifacts.load([{ kind: 'Session', id }])).artifacts[0];

const gatewaySession = (changes: Partial<Artifact> = {}): Artifact => ({
  ...artifact({ accountId: 'alice', sessionUid: 'session-1', signedInAt: startSeconds, ...changes }),
  kind: 'GatewaySession',
});

export const sessionClauses = (bench: GetBench): void => {
  const open = () => bench().first.forTenant('acme').artifacts;
  const elsewhere = () => bench().second.forTenant('acme').artifacts;

  describe('sessions', () => {
    it('merge: given entries are set, removed ones dropped, the others kept, the rest replaced', async () => {
      const before = session({
        authorizations: { a: '1', b: '1', 'https://c.example/$x': '1' },
        grantId: 'g',
      });
      await open().write([merge(before)]);
      const after = session({
        authorizations: { b: '2', d: '2' },
        payload: 'new',
        expiresAt: startSeconds + 90,
      });
      await elsewhere().write([merge(after, ['a'])]);
      expect(await find(open())).toEqual({
        ...after,
        authorizations: { b: '2', d: '2', 'https://c.example/$x': '1' },
      });
    });

    it.each(['a.b', '$set', '__proto__', 'constructor', '', '%2E', 'ü 😀'])(
      'merge entries of the client %j',
      async (clientId) => {
        const entry = (value: string) => Object.fromEntries([[clientId, value]]);
        await open().write([merge(session({ authorizations: entry('$1.x') }))]);
        await open().write([merge(session({ authorizations: { other: '2' } }))]);
        const merged = await find(open());
        expect(Object.entries(merged?.authorizations ?? {}).sort()).toEqual(
          [[clientId, '$1.x'] as const, ['other', '2'] as const].sort(),
        );
        await open().write([merge(session({ authorizations: {} }), [clientId])]);
        expect((await find(open()))?.authorizations).toEqual({ other: '2' });
      },
    );

    it('merge replaces when the account is another, or was none', async () => {
      const { accountId: _, ...anonymous } = session({ authorizations: { a: '1' } });
      await open().write([merge(anonymous)]);
      await open().write([merge(session({ authorizations: { b: '1' } }))]);
      expect(await find(open())).toEqual(session({ authorizations: { b: '1' } }));
      await open().write([merge(session({ accountId: 'bob', authorizations: { c: '1' } }))]);
      expect(await find(open())).toEqual(session({ accountId: 'bob', authorizations: { c: '1' } }));
    });

    it('merge replaces one that has expired', async () => {
      await open().write([merge(session({ authorizations: { a: '1' } }))]);
      bench().clock.advance(60_000);
      const later = session({ authorizations: { b: '1' }, expiresAt: startSeconds + 200 });
      await open().write([merge(later)]);
      expect(await find(open())).toEqual(later);
    });

    it('put replaces without merging', async () => {
      await open().write([merge(session({ authorizations: { a: '1' } }))]);
      await open().write([{ op: 'put', artifact: session({ authorizations: { b: '1' } }) }]);
      expect(await find(open())).toEqual(session({ authorizations: { b: '1' } }));
    });

    it.each([2, 20, 100])('lose no entry of %i parallel merges', async (count) => {
      await Promise.all(
        times(count, (n) =>
          (n % 2 ? open() : elsewhere()).write([
            merge(session({ authorizations: { [`app-${n}`]: `${n}` } })),
          ]),
        ),
      );
      const expected = Object.fromEntries(times(count, (n) => [`app-${n}`, `${n}`]));
      expect((await find(open()))?.authorizations).toEqual(expected);
    });

    it('merge without an account, too', async () => {
      const { accountId: _, ...anonymous } = session();
      await open().write([merge({ ...anonymous, authorizations: { a: '1' } })]);
      await elsewhere().write([merge({ ...anonymous, authorizations: { b: '1' } })]);
      expect(await find(open())).toEqual({ ...anonymous, authorizations: { a: '1', b: '1' } });
    });

    it('start anew when the account is gone', async () => {
      const { accountId: _, ...anonymous } = session({ authorizations: { b: '1' } });
      await open().write([merge(session({ authorizations: { a: '1' } }))]);
      await open().write([merge(anonymous)]);
      expect(await find(open())).toEqual(anonymous);
    });

    it('merge leaves nothing of the rest', async () => {
      await open().write([merge(session({ grantId: 'g', authorizations: { a: '1' } }))]);
      await open().write([merge(session({ payload: 'new' }))]);
      expect(await find(open())).toEqual(session({ payload: 'new', authorizations: { a: '1' } }));
    });

    it('are removed for good', async () => {
      await open().write([merge(session({ authorizations: { a: '1' } }))]);
      await elsewhere().write([{ op: 'remove', kind: 'Session', id: 'session-1' }]);
      expect(await find(open())).toBeUndefined();
      await open().write([merge(session({ authorizations: { b: '1' } }))]);
      expect(await find(open())).toEqual(session({ authorizations: { b: '1' } }));
    });

    it('are not brought back by a merge of one that was stored', async () => {
      const known: ArtifactWrite = {
        op: 'mergeSession',
        artifact: session({ authorizations: { b: '1' } }),
        removed: [],
        onlyIfStored: true,
      };
      await open().write([known]);
      expect(await find(open())).toBeUndefined();
      await open().write([merge(session({ authorizations: { a: '1' } }))]);
      await open().write([known]);
      expect((await find(open()))?.authorizations).toEqual({ a: '1', b: '1' });
      await elsewhere().write([{ op: 'remove', kind: 'Session', id: 'session-1' }]);
      await open().write([known]);
      expect(await find(open())).toBeUndefined();
      await open().write([merge(session())]);
      bench().clock.advance(60_000);
      await open().write([known]);
      expect(await find(open())).toBeUndefined();
    });

    it('of a later sign-in are not undone by a request that began before it', async () => {
      const { accountId: _, ...anonymous } = session({ authorizations: { x: '1' } });
      const later = session({ payload: 'later', authorizations: { a: '1' }, signedInAt: 20 });
      await open().write([merge(anonymous)]);
      await open().write([merge(later)]);
      await elsewhere().write([merge({ ...anonymous, payload: 'form' })]);
      expect(await find(open())).toEqual(later);
      await elsewhere().write([merge(session({ accountId: 'bob', signedInAt: 10 }))]);
      expect(await find(open())).toEqual(later);
      const earlier = session({ payload: 'earlier', authorizations: { b: '2' }, signedInAt: 10 });
      await elsewhere().write([merge(earlier)]);
      expect(await find(open())).toEqual({ ...later, authorizations: { a: '1', b: '2' } });
      const latest = session({ payload: 'latest', signedInAt: 30 });
      await elsewhere().write([merge(latest)]);
      expect(await find(open())).toMatchObject({ payload: 'latest', signedInAt: 30 });
    });

    it('and their cookies stay away when a put is only for what is stored', async () => {
      const cookie: Artifact = { kind: 'SessionCookie', id: 'c', payload: '', expiresAt: startSeconds + 60 };
      const renewed = {
        op: 'put',
        artifact: { ...cookie, expiresAt: startSeconds + 90 },
        onlyIfStored: true,
      } as const;
      const stored = async () => (await open().load([{ kind: 'SessionCookie', id: 'c' }])).artifacts[0];
      await open().write([renewed]);
      expect(await stored()).toBeUndefined();
      await open().write([{ op: 'put', artifact: cookie }]);
      await elsewhere().write([renewed]);
      expect(await stored()).toEqual(renewed.artifact);
      await open().write([{ op: 'remove', kind: 'SessionCookie', id: 'c' }]);
      await elsewhere().write([renewed]);
      expect(await stored()).toBeUndefined();
    });

    it('are there, without former entries, when a batch removes and then writes them', async () => {
      await open().write([merge(session({ authorizations: { a: '1' } }))]);
      await open().write([
        { op: 'remove', kind: 'Session', id: 'session-1' },
        merge(session({ authorizations: { b: '1' } })),
      ]);
      expect(await find(open())).toEqual(session({ authorizations: { b: '1' } }));
    });

    it('are gone when a batch writes and then removes them', async () => {
      await open().write([
        merge(session()),
        { op: 'put', artifact: session({ id: 'session-2' }) },
        { op: 'remove', kind: 'Session', id: 'session-1' },
        { op: 'remove', kind: 'Session', id: 'session-2' },
      ]);
      expect(await find(open())).toBeUndefined();
      expect(await find(open(), 'session-2')).toBeUndefined();
    });

    it('of an account are all found, and no others', async () => {
      const mine = times(150, (n) => session({ id: `mine-${n}`, authorizations: { app: `${n}` } }));
      const others = [
        session({ id: 'bobs', accountId: 'bob' }),
        session({ id: 'ended', expiresAt: startSeconds + 1 }),
        session({ id: 'removed' }),
        { ...session({ id: 'token' }), kind: 'AccessToken' as const },
      ];
      await open().write([...mine, ...others].map((artifact) => ({ op: 'put', artifact })));
      await open().write([{ op: 'remove', kind: 'Session', id: 'removed' }]);
      await bench()
        .first.forTenant('zeta')
        .artifacts.write([{ op: 'put', artifact: session({ id: 'elsewhere' }) }]);
      bench().clock.advance(1000);
      const { trips } = bench();
      trips.splice(0);
      const found = [...(await open().sessionsOf('alice'))];
      expect(trips).toHaveLength(1);
      const byId = (a: Artifact, b: Artifact) => a.id.localeCompare(b.id);
      expect(found.sort(byId)).toEqual([...mine].sort(byId));
      expect(await elsewhere().sessionsOf('nobody')).toEqual([]);
    });

    it('of the gateway are found by their account or by the session with which they end', async () => {
      const alone = (changes: Partial<Artifact> = {}): Artifact => {
        const { sessionUid: _, ...rest } = gatewaySession(changes);
        return rest;
      };
      const ending = gatewaySession({ id: 'with' });
      const others = [
        gatewaySession({ id: 'with-another', sessionUid: 'session-2' }),
        gatewaySession({ id: 'with-and-ended', expiresAt: startSeconds + 1 }),
        alone({ id: 'bobs', accountId: 'bob' }),
        alone({ id: 'ended', expiresAt: startSeconds + 1 }),
        session(),
      ];
      await open().write(
        [alone({ id: 'alone' }), ending, ...others].map((artifact) => ({ op: 'put', artifact })),
      );
      await bench()
        .first.forTenant('zeta')
        .artifacts.write([
          { op: 'put', artifact: gatewaySession({ id: 'elsewhere' }) },
          { op: 'put', artifact: alone({ id: 'alone elsewhere' }) },
        ]);
      bench().clock.advance(1000);
      const { trips } = bench();
      trips.splice(0);
      expect(await open().gatewaySessionsOf('alice')).toEqual([alone({ id: 'alone' })]);
      expect(await open().gatewaySessionsWith(['session-1', 'never'], 9)).toEqual([ending]);
      expect(trips).toHaveLength(2);
      expect(await open().gatewaySessionsWith(['session-1', 'session-2'], 1)).toHaveLength(1);
      expect(await open().gatewaySessionsWith([], 9)).toEqual([]);
      expect(await open().sessionsOf('alice')).toEqual([session()]);
    });

    it('do not count grants, which are listed in pages', async () => {
      const grant = (changes: Partial<Artifact> = {}): Artifact => ({
        ...artifact({ accountId: 'alice', ...changes }),
        kind: 'Grant',
      });
      const hers = ['a', 'b', 'c', 'd', 'e'].map((id) => grant({ id }));
      const others = [
        session({ id: 'c1' }),
        grant({ id: 'c2', accountId: 'bob' }),
        grant({ id: 'c3', expiresAt: startSeconds + 1 }),
        grant({ id: 'c4' }),
      ];
      await open().write([...hers, ...others].map((one) => ({ op: 'put', artifact: one })));
      await open().write([{ op: 'remove', kind: 'Grant', id: 'c4' }]);
      await bench()
        .first.forTenant('zeta')
        .artifacts.write([{ op: 'put', artifact: grant({ id: 'c5' }) }]);
      bench().clock.advance(1000);
      const artifacts = elsewhere();
      expect(await artifacts.grantsOf('alice', { limit: 9 })).toEqual(hers);
      expect(await artifacts.grantsOf('alice', { limit: 2 })).toEqual(hers.slice(0, 2));
      expect(await artifacts.grantsOf('alice', { afterId: 'b', limit: 2 })).toEqual(hers.slice(2, 4));
      expect(await artifacts.grantsOf('alice', { afterId: 'e', limit: 2 })).toEqual([]);
      expect(await artifacts.sessionsOf('alice')).toHaveLength(1);
    });

    it('are found by the account that signed in last', async () => {
      const { accountId: _, ...anonymous } = session();
      await open().write([merge(anonymous)]);
      expect(await open().sessionsOf('alice')).toEqual([]);
      await open().write([merge(session())]);
      expect(await open().sessionsOf('alice')).toEqual([session()]);
      await open().write([merge(session({ accountId: 'bob' }))]);
      expect(await open().sessionsOf('alice')).toEqual([]);
      expect(await open().sessionsOf('bob')).toHaveLength(1);
    });
  });
};
